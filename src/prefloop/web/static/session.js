// The quiet bar: done of target, the session, the next break. Times are the server's.

import { say, tell, untell } from "./notices.js";

const MINUTE = 60_000;
const WARNINGS = [5, 1];

export class Session {
  constructor(over) {
    this.over = over;
    this.warned = new Set();
    setInterval(() => this.#look(), 5000);
  }

  // `waiting` judgments are on their way, and not in the server's count yet.
  update(turn, waiting) {
    this.skew = turn.now / 1000 - Date.now();
    if (this.ends !== turn.ends / 1000) this.warned.clear();
    Object.assign(this, { ends: turn.ends / 1000, done: turn.done + waiting, target: turn.target });
    this.running = turn.state === "work";
    document.getElementById("session").hidden = turn.state === "break"; // the page says until when
    this.#look();
  }

  // Ahead of the server's own count, which comes with its answer.
  count(again) {
    if (!again && this.done !== undefined) this.done += 1;
    this.#show();
  }

  clock(microseconds) {
    const at = new Date(microseconds / 1000 - (this.skew ?? 0));
    return at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  }

  // When the break is over.
  wake(microseconds, act) {
    clearTimeout(this.alarm);
    const wait = microseconds / 1000 - (Date.now() + this.skew) + 1000;
    this.alarm = setTimeout(act, Math.max(1000, Math.min(wait, 2 ** 31 - 1)));
  }

  #left() {
    return this.ends - (Date.now() + this.skew);
  }

  #look() {
    if (!this.running) return;
    const minutes = this.#left() / MINUTE;
    const due = WARNINGS.filter((at) => minutes <= at && !this.warned.has(at));
    due.forEach((at) => this.warned.add(at));
    if (due.length && minutes > 0) {
      const left = Math.max(1, Math.round(minutes));
      tell("session", "", `A break is due in ${left} minute${left > 1 ? "s" : ""}. What you have written by then is kept.`);
    }
    if (minutes <= 0) {
      this.running = false;
      untell("session");
      say("The session is over");
      this.over();
    }
    this.#show();
  }

  #show() {
    const { done, target } = this;
    document.getElementById("pace").hidden = false;
    document.getElementById("done").textContent = target ? `${done} of ${target}` : `${done} done`;
    const share = document.getElementById("share");
    share.value = target ? Math.min(1, done / target) : 0;
    const left = Math.max(0, Math.ceil(this.#left() / MINUTE));
    const place = document.getElementById("session");
    const text = `${left} min`;
    if (place.dataset.text === text) return;
    place.dataset.text = text;
    const more = (className, textContent) => Object.assign(document.createElement("span"), { className, textContent });
    place.replaceChildren(text, more("long", " to the break"), more("when", ` at ${this.clock(this.ends * 1000)}`));
  }
}
