// Words that were not sent yet: at once in this browser, a moment later on the server.

import { isEmpty } from "./form.js";

const PAUSE = 1500;
const FORGET = 14 * 24 * 3600 * 1000;

export class Drafts {
  constructor(shelf, csrf, attention) {
    Object.assign(this, { shelf, csrf, attention });
    for (const kept of [...shelf.names("draft."), ...shelf.names("again."), ...shelf.names("edit.")]) {
      if (Date.now() - (shelf.get(kept)?.at ?? 0) > FORGET) shelf.remove(kept);
    }
  }

  // The newer of this browser's draft and the server's. What is judged again is kept here alone.
  find(item) {
    const here = this.shelf.get(name(item));
    const there = item.draft;
    return here && there ? (here.at >= there.at ? here : there) : (here ?? there);
  }

  keep(item, said) {
    const draft = { ...said, ...this.attention.read(), at: Date.now() };
    this.shelf.set(name(item), draft);
    clearTimeout(this.timer);
    if (!item.said && !isEmpty(said)) this.timer = setTimeout(() => this.#send(item, draft), PAUSE);
  }

  // Now, because the annotator is about to leave it.
  flush(item, said) {
    if (!item || item.said || isEmpty(said)) return;
    this.keep(item, said);
    clearTimeout(this.timer);
    this.#send(item, this.shelf.get(name(item)));
  }

  drop(item) {
    clearTimeout(this.timer);
    this.shelf.remove(name(item));
  }

  #send(item, draft) {
    const path = `/api/drafts/${encodeURIComponent(item.assignment)}`;
    const headers = { "content-type": "application/json", "x-csrf-token": this.csrf };
    // Not reached: it is in this browser, and the next change tries again.
    fetch(path, { method: "PUT", headers, body: JSON.stringify(draft), keepalive: true }).catch(() => null);
  }
}

function name(item) {
  return `${item.said ? "again" : "draft"}.${item.assignment}`;
}
