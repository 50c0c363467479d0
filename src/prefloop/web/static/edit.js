// Editing a response: how it should have read. The words are kept in this browser at every key.

import { say, tell, untell } from "./notices.js";
import { newKey } from "./outbox.js";

const dialog = document.getElementById("edit-dialog");
const text = document.getElementById("edit-text");
const title = document.getElementById("edit-title");
const problem = document.getElementById("edit-problem");
const buttons = [...document.querySelectorAll("[data-edit]")];

export class Editor {
  constructor(shelf, base, send) {
    Object.assign(this, { shelf, base, send, item: null });
    for (const button of buttons) button.addEventListener("click", () => this.open(Number(button.dataset.edit)));
    text.addEventListener("input", () => {
      problem.hidden = true;
      this.shelf.set(this.name, { text: text.value, at: Date.now() });
    });
    dialog.querySelector("form").addEventListener("submit", (event) => this.#save(event));
    document.getElementById("edit-cancel").addEventListener("click", () => {
      this.shelf.remove(this.name);
      dialog.close();
    });
  }

  show(item) {
    this.item = item;
    for (const button of buttons) button.hidden = item.responses.length > 2;
  }

  async open(response) {
    const { item } = this;
    if (!item || item.responses.length > 2) return;
    item.words ??= await this.#fetch(item);
    if (!item.words) return tell("edit", "bad", "The response cannot be opened for editing right now. Try again in a moment.");
    this.response = response;
    this.name = `edit.${item.assignment}.${response}`;
    title.textContent = `Edit Response ${response}`;
    text.value = this.shelf.get(this.name)?.text ?? item.words[response - 1];
    problem.hidden = true;
    untell("edit");
    dialog.showModal();
    text.focus();
  }

  async #fetch(item) {
    try {
      const answer = await fetch(`${this.base}/words/${encodeURIComponent(item.assignment)}`);
      return answer.ok ? (await answer.json()).words : null;
    } catch {
      return null;
    }
  }

  #save(event) {
    event.preventDefault();
    const { assignment, words } = this.item;
    const wrong = !text.value.trim() ? "Write how it should read." : words.includes(text.value) ? "Change something first: it is one of the two responses." : "";
    problem.hidden = !wrong;
    problem.textContent = wrong;
    if (wrong) return;
    this.send({ assignment, response: this.response, text: text.value, key: newKey() });
    this.shelf.remove(this.name);
    dialog.close();
    say("Your edit is on its way");
    tell("edit", "good", `Your edit of Response ${this.response} is kept. It becomes an example of how to answer; your choice between the two stays yours.`);
  }
}
