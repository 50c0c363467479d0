// Skipping: what somebody cannot judge goes to somebody else, with the reason.

import { newKey } from "./outbox.js";

const dialog = document.getElementById("skip-dialog");
const why = document.getElementById("skip-why");
const problem = document.getElementById("skip-problem");

export class Skipper {
  // `send(why, key)` gives the comparison on the screen back.
  constructor(send) {
    this.send = send;
    dialog.querySelector("form").addEventListener("submit", (event) => this.#give(event));
    document.getElementById("skip-cancel").addEventListener("click", () => dialog.close());
    why.addEventListener("input", () => (problem.hidden = true));
  }

  open() {
    why.value = "";
    problem.hidden = true;
    dialog.showModal();
    why.focus();
  }

  #give(event) {
    event.preventDefault();
    problem.hidden = Boolean(why.value.trim());
    if (!problem.hidden) return why.focus();
    dialog.close();
    this.send(why.value, newKey());
  }
}
