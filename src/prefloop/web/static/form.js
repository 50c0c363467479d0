// The form of one judgment: rows of choices, reasons, flags. Of two responses one is chosen, overall
// and by dimension; more than two are given a rank each.

const form = document.getElementById("judge");
const rationale = document.getElementById("rationale");
const problem = document.getElementById("problem");
const needed = document.getElementById("why-needed");
const flagList = document.getElementById("flags");
const rule = document.getElementById("stage").dataset.rationale;
const pairRows = [...form.querySelectorAll("[data-row]")];
const ranking = document.getElementById("ranking");
const rankRows = document.getElementById("rank-rows");
let rows = pairRows;
const ticks = [...document.querySelectorAll("#flag-dialog input[name=flag]")];
let current = 0;

export { form, rationale };

// Make the form one for so many responses.
export function shape(responses) {
  const many = responses > 2;
  for (const part of form.querySelectorAll(".overall, .dimensions")) part.hidden = many;
  ranking.hidden = !many;
  if (many && rankRows.childElementCount !== responses) {
    rankRows.replaceChildren(...Array.from({ length: responses }, (_, n) => rankRow(n + 1, responses)));
  }
  rows = many ? [...rankRows.children] : pairRows;
}

function rankRow(number, responses) {
  const row = document.getElementById("rank-row").content.cloneNode(true).firstElementChild;
  row.dataset.row = number;
  row.querySelector("legend").textContent = `Rank of Response ${number}`;
  row.querySelector("b").textContent = `Response ${number}`;
  const scale = row.querySelector(".scale");
  const step = scale.firstElementChild;
  scale.replaceChildren(
    ...Array.from({ length: responses }, (_, n) => {
      const label = step.cloneNode(true);
      const input = label.querySelector("input");
      input.name = `rank ${number}`;
      input.value = n + 1;
      input.setAttribute("aria-label", n === 0 ? "1, the best" : `${n + 1}`);
      label.querySelector(".word").textContent = n + 1;
      return label;
    }),
  );
  return row;
}

export const ranks = () => rows !== pairRows;

export function read() {
  return ranks() ? { ...readRanks(), ...readRest() } : { ...readPair(), ...readRest() };
}

function readRanks() {
  const given = {};
  for (const row of rows) {
    const said = row.querySelector(":checked");
    if (said) given[row.dataset.row] = Number(said.value);
  }
  return { choice: null, strength: 1, dimensions: {}, ranks: given };
}

// [[2], [1, 3]]: responses by their rank, the best first, those that tie together.
export function order(given) {
  const used = [...new Set(Object.values(given))].sort((a, b) => a - b);
  return used.map((rank) => Object.keys(given).filter((one) => given[one] === rank).map(Number));
}

function readPair() {
  const [choice, strength] = (rows[0].querySelector(":checked")?.value ?? "").split(".");
  const dimensions = {};
  for (const row of rows.slice(1)) {
    const said = row.querySelector(":checked");
    if (said) dimensions[row.dataset.row] = Number(said.value);
  }
  return {
    choice: choice ? Number(choice) : null,
    strength: Number(strength ?? 1),
    dimensions,
    ranks: {},
  };
}

function readRest() {
  return {
    flags: ticks.filter((tick) => tick.checked).map((tick) => tick.value),
    rationale: rationale.value,
  };
}

export function write(said) {
  form.reset();
  for (const tick of ticks) tick.checked = said?.flags?.includes(tick.value) ?? false;
  if (said) {
    const strength = said.choice === 0 ? 1 : said.strength;
    if (said.choice !== null && !ranks()) check(0, `${said.choice}.${strength}`);
    const marks = ranks() ? said.ranks : said.dimensions;
    for (const [name, value] of Object.entries(marks ?? {})) {
      const at = rows.findIndex((row) => row.dataset.row === name);
      if (at >= 0) check(at, `${value}`);
    }
    rationale.value = said.rationale ?? "";
  }
  stand(0);
  showProblem("");
  refresh();
}

export function isEmpty(said) {
  const marks = Object.keys(said.dimensions).length + Object.keys(said.ranks).length + said.flags.length;
  return said.choice === null && !said.rationale && !marks;
}

// What is missing before this may be sent, or "".
export function missing(said) {
  if (ranks() && Object.keys(said.ranks).length < rows.length) return "Give each response a rank first; equal ranks tie.";
  if (!ranks() && said.choice === null) return "Choose first: Response 1, Response 2, or a tie.";
  if (said.rationale.trim() || rule === "optional") return "";
  if (rule === "required") return "This campaign asks for a reason: say why in a sentence.";
  return contradicts(said) ? "Your overall choice goes against the dimensions: say why in a sentence." : "";
}

// The same rule as the server's: more dimensions favor the other; or all favor one, and it is a tie.
export function contradicts({ choice, dimensions }) {
  const all = Object.values(dimensions);
  const ones = all.filter((said) => said === 1).length;
  const twos = all.filter((said) => said === 2).length;
  if (choice === null) return false;
  if (choice === 0) return all.length > 0 && (ones === all.length || twos === all.length);
  return choice === 1 ? twos > ones : ones > twos;
}

export function showProblem(text) {
  problem.hidden = !text;
  problem.textContent = text;
  rationale.toggleAttribute("aria-invalid", Boolean(text) && rows[0].querySelector(":checked") !== null);
}

// Make a row the one that keys speak of; `focus` moves there too.
export function stand(row, focus = false) {
  current = Math.max(0, Math.min(rows.length - 1, row));
  rows.forEach((one, n) => one.classList.toggle("current", n === current));
  if (focus) (rows[current].querySelector(":checked") ?? rows[current].querySelector("input")).focus();
}

export function move(by) {
  stand(current + by, true);
}

// The first row that still needs a word.
export function standFirst() {
  stand(Math.max(0, rows.findIndex((row) => !row.querySelector(":checked"))), true);
}

// Give the current row a rank, and go to the next; returns what was said, in words.
export function rank(value) {
  const input = rows[current].querySelector(`input[value="${value}"]`);
  if (!input) return "";
  const words = take(input);
  stand(current + 1, form.contains(document.activeElement));
  return words;
}

// Set the current row to 1, 0 or 2; returns what was said, in words.
export function choose(choice, strength = 2) {
  if (ranks()) return choice ? rank(choice) : "";
  const value = current === 0 ? `${choice}.${choice === 0 ? 1 : strength}` : `${choice}`;
  return take(rows[current].querySelector(`input[value="${value}"]`));
}

export function step(by) {
  const all = [...rows[current].querySelectorAll("input")];
  const at = all.findIndex((one) => one.checked);
  const from = at < 0 ? (all.length - 1) / 2 : at + by;
  return take(all[Math.max(0, Math.min(all.length - 1, from))]);
}

function take(input) {
  input.checked = true;
  if (form.contains(document.activeElement)) input.focus();
  input.dispatchEvent(new Event("change", { bubbles: true }));
  const about = ranks() ? `Response ${current + 1}: ` : current === 0 ? "" : `${rows[current].dataset.row}: `;
  return about + input.getAttribute("aria-label");
}

function check(row, value) {
  const input = [...rows[row].querySelectorAll("input")].find((one) => one.value === value);
  if (input) input.checked = true;
}

export function refresh() {
  const said = read();
  const chosen = rows[0].querySelector(":checked")?.getAttribute("aria-label");
  document.getElementById("spoken").textContent = chosen ?? "Which response is better?";
  document.getElementById("pane-1").classList.toggle("leading", said.choice === 1);
  document.getElementById("pane-2").classList.toggle("leading", said.choice === 2);
  const asked = rule === "required" || (rule === "on_contradiction" && contradicts(said));
  needed.textContent = !asked ? "(optional)" : rule === "required" ? "(needed)" : "(needed: it goes against the dimensions)";
  rationale.required = asked;
  flagList.replaceChildren(
    ...said.flags.map((flag) => Object.assign(document.createElement("span"), { className: "badge bad", textContent: flag })),
  );
}

form.addEventListener("focusin", (event) => {
  const row = rows.indexOf(event.target.closest("[data-row]"));
  if (row >= 0) stand(row);
});
