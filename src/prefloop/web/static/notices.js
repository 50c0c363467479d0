// What an annotator is told: lines above the comparison, and words for screen readers.

const place = document.getElementById("notices");
const live = document.getElementById("live");
const LASTING = ["away", "revising"]; // gone by themselves, when they are no longer true
const OF_THIS_ONE = ["window", "through", "edit", "undo", "revising"]; // gone once it is judged
const CHOICES = ["A tie", "Response 1", "Response 2"];

export function say(text) {
  live.textContent = text;
}

// One notice per name. `button` is [words, a link or what to do].
export function tell(name, kind, text, button = null, more = []) {
  untell(name);
  const notice = Object.assign(document.createElement("div"), { id: `notice-${name}`, className: `notice ${kind}` });
  notice.setAttribute("role", kind === "bad" ? "alert" : "status");
  notice.append(Object.assign(document.createElement("span"), { className: "told", textContent: text }));
  if (button) notice.append(made(...button));
  if (!LASTING.includes(name) && !more.length) notice.append(made("Close", () => untell(name)));
  notice.append(...more);
  place.append(notice);
}

export function untell(name) {
  document.getElementById(`notice-${name}`)?.remove();
}

export function untellJudged() {
  OF_THIS_ONE.forEach(untell);
}

// After an anchor: what the expert says, beside the annotator's own word.
export function explain({ choice, explanation }, said, again) {
  const expert = CHOICES[choice].replace("A tie", "a tie");
  const agrees = said.choice === choice;
  const words = agrees ? `Calibration: the expert chose ${expert} too.` : `Calibration: the expert chose ${expert}.`;
  tell("expert", agrees ? "good" : "warn", `${words} ${explanation}`.trim(), ["Look at it again", again]);
}

// Judgments that the server would not take: what happened, and every word of them.
export function kept(shelf) {
  for (const old of place.querySelectorAll("[id^='notice-kept.']")) old.remove();
  for (const name of shelf.names("kept.")) {
    const { submission, body, why } = shelf.get(name);
    const words = Object.assign(document.createElement("blockquote"), { tabIndex: 0 });
    words.textContent = body ? body.text : judged(submission);
    const copy = made("Copy", () => navigator.clipboard?.writeText(words.textContent));
    const drop = made("Discard", () => {
      shelf.remove(name);
      untell(name);
    });
    tell(name, "bad", `Not recorded: ${why}. Your words are kept here.`, null, [copy, drop, words]);
  }
}

function judged({ choice, ranking, rationale }) {
  const said = ranking ? ranking.map((tied) => tied.join(" = ")).join(", then ") : CHOICES[choice];
  return `${said}. ${rationale}`.trim();
}

function made(words, action) {
  const link = typeof action === "string";
  const node = document.createElement(link ? "a" : "button");
  node.className = link ? "button small" : "small";
  node.textContent = words;
  if (link) node.href = action;
  else {
    node.type = "button";
    node.addEventListener("click", action);
  }
  return node;
}
