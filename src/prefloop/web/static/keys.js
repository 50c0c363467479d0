// Keys and what they do; each may be given another, kept for the person in this browser.

const USUAL = {
  // in the order of the list, which stands in two columns
  prefer1: "1", prefer2: "2", strong1: "Shift+1", strong2: "Shift+2",
  up: "ArrowUp", down: "ArrowDown", left: "ArrowLeft", right: "ArrowRight",
  tie: "0", rationale: "/", flag: "f", edit: "e", guide: "g", undo: "z", skip: "s", submit: "Enter", help: "?",
};
const WORDS = {
  prefer1: "Response 1 is better", prefer2: "Response 2 is better",
  strong1: "Response 1 is strongly better", strong2: "Response 2 is strongly better", tie: "Tie",
  up: "The row above", down: "The row below", left: "One step toward Response 1", right: "One step toward Response 2",
  rationale: "Write why (Escape leaves)", flag: "Flag", edit: "Edit the chosen response", guide: "Playbook", undo: "Undo: judge the last one again",
  skip: "Skip: it goes to somebody else",
  submit: "Submit (Ctrl+Enter while writing)", help: "This list",
};
const SIGNS = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", Enter: "↵", " ": "Space" };
const MODIFIERS = ["Shift", "Control", "Alt", "Meta", "CapsLock", "AltGraph", "Tab", "Escape"];

export class Keys {
  constructor(shelf, act) {
    Object.assign(this, { shelf, act, waiting: null });
    this.dialog = document.getElementById("keys-dialog");
    this.list = document.getElementById("keys-list");
    this.on = document.getElementById("keys-on");
    this.#load();
    document.addEventListener("keydown", (event) => this.#pressed(event));
    document.getElementById("keys-reset").addEventListener("click", () => {
      this.shelf.remove("keys");
      this.#load();
    });
    this.on.addEventListener("change", () => this.#save());
    this.dialog.addEventListener("close", () => this.#wait(null));
  }

  #load() {
    const kept = this.shelf.get("keys") ?? {};
    this.map = { ...USUAL, ...kept.map };
    this.on.checked = kept.on ?? true;
    this.#show();
  }

  #save() {
    this.shelf.set("keys", { map: this.map, on: this.on.checked });
    this.#show();
  }

  #show() {
    for (const sign of document.querySelectorAll("kbd[data-key]")) {
      sign.textContent = pretty(this.map[sign.dataset.key]);
      sign.hidden = !this.on.checked;
    }
    this.list.replaceChildren(...Object.keys(USUAL).map((action) => this.#row(action)));
  }

  #row(action) {
    const row = document.createElement("div");
    const sign = Object.assign(document.createElement("kbd"), { textContent: pretty(this.map[action]) });
    const change = Object.assign(document.createElement("button"), {
      type: "button", className: "ghost small", textContent: this.waiting === action ? "Press a key" : "Change",
    });
    change.setAttribute("aria-label", `Change the key for: ${WORDS[action]}`);
    change.addEventListener("click", () => this.#wait(action));
    row.append(Object.assign(document.createElement("span"), { textContent: WORDS[action] }), sign, change);
    return row;
  }

  #wait(action) {
    const before = this.waiting ?? action;
    this.waiting = action;
    this.#show();
    const at = Object.keys(USUAL).indexOf(before);
    if (before && this.dialog.open) this.list.children[at]?.querySelector("button").focus();
  }

  #pressed(event) {
    if (event.isComposing || event.defaultPrevented) return;
    if (this.waiting) return this.#remap(event);
    if (document.querySelector("dialog[open]")) return;
    const action = this.#meant(event);
    if (action && this.act(action, event)) event.preventDefault();
  }

  // A key that is taken changes places with the one it takes.
  #remap(event) {
    if (MODIFIERS.includes(event.key)) {
      if (event.key === "Escape") {
        event.preventDefault();
        this.#wait(null);
      }
      return;
    }
    event.preventDefault();
    const name = names(event)[0];
    const other = Object.keys(this.map).find((action) => this.map[action] === name);
    if (other) this.map[other] = this.map[this.waiting];
    this.map[this.waiting] = name;
    this.#save();
    this.#wait(null);
  }

  #meant(event) {
    const { target } = event;
    if (target.matches("textarea, select, input:not([type=radio], [type=checkbox])")) {
      if (event.key === "Escape") return "leave";
      return event.key === "Enter" && (event.ctrlKey || event.metaKey) ? "submit" : null;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    if (target.matches("button, a, summary") && ["Enter", " "].includes(event.key)) return null;
    if (event.key.startsWith("Arrow") && target.closest(".words, .turns, .guide")) return null;
    if (event.key.length === 1 && !this.on.checked) return null;
    for (const name of names(event)) {
      const action = Object.keys(this.map).find((one) => this.map[one] === name);
      if (action) return action;
    }
    const digit = /^(?:Digit|Numpad)([3-9])$/.exec(event.code)?.[1];
    if (digit && !event.shiftKey) return `rank${digit}`;
    return event.key === "Escape" ? "leave" : null;
  }
}

// What a key press may be called, the likeliest first: "/" wherever it stands on the keyboard,
// and "Shift+1" also where that types "!" or "+".
function names(event) {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
  const plain = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const letter = /^[a-z]$/.test(plain) || event.key.length > 1;
  const typed = event.shiftKey && letter ? `Shift+${plain}` : plain;
  if (digit === undefined) return [typed];
  const placed = event.shiftKey ? `Shift+${digit}` : digit;
  return /^[/?]$/.test(plain) ? [typed, placed] : [placed, typed];
}

function pretty(name) {
  return name.replace("Shift+", "⇧").replace(/[A-Z][A-Za-z]+$/, (key) => SIGNS[key] ?? key).replace(/^⇧?[a-z]$/, (key) => key.toUpperCase());
}
