// The words on the screen: the conversation, two responses or more, scrolling together.

const turns = document.getElementById("turns");
const gist = document.getElementById("gist");
const label = document.getElementById("turns-label");
const linked = document.getElementById("linked");
const place = document.getElementById("panes");
const words = [1, 2].map((n) => document.getElementById(`words-${n}`));
const ROLES = { user: "User", assistant: "Assistant", system: "System" };
let leader = null;
let release = 0;

// Everything that takes time is done before the comparison is wanted.
export function prepare(item) {
  return {
    ...item,
    nodes: { turns: item.turns.map(turn), words: item.responses.map(fragment) },
  };
}

export function show(item) {
  const nodes = item.nodes ?? prepare(item).nodes;
  number(nodes.words.length);
  turns.replaceChildren(...nodes.turns);
  words.forEach((pane, n) => {
    pane.replaceChildren(...nodes.words[n]);
    pane.lang = item.language;
    pane.scrollTop = 0;
  });
  turns.lang = item.language;
  const last = nodes.turns.at(-1);
  gist.textContent = last?.lastChild.textContent.trim().slice(0, 200) ?? "";
  const count = nodes.turns.length;
  label.textContent = count > 1 ? `Conversation, ${count} turns` : "Prompt";
  if (last && count > 1) turns.scrollTop = last.offsetTop - turns.offsetTop;
  else turns.scrollTop = 0;
}

// As many panes as there are responses; those beyond two are copies of the second.
function number(wanted) {
  place.classList.toggle("many", wanted > 2);
  place.dataset.count = wanted;
  while (words.length > wanted) words.pop().closest(".pane").remove();
  while (words.length < wanted) {
    const n = words.length + 1;
    const pane = document.getElementById("pane-2").cloneNode(true);
    pane.querySelector("header .row")?.remove();
    for (const each of [pane, ...pane.querySelectorAll("[id], [aria-labelledby]")]) {
      if (each.id) each.id = each.id.replace("2", n);
      const named = each.getAttribute("aria-labelledby");
      if (named) each.setAttribute("aria-labelledby", named.replace("2", n));
    }
    pane.querySelector("h2").textContent = `Response ${n}`;
    place.append(pane);
    words.push(pane.querySelector(".words"));
    lead(words.at(-1));
  }
}

function turn({ role, html }) {
  const row = Object.assign(document.createElement("div"), { className: "turn" });
  const said = Object.assign(document.createElement("div"), { className: "words", dir: "auto" });
  said.append(...fragment(html));
  row.append(Object.assign(document.createElement("div"), { className: "role", textContent: ROLES[role] ?? role }), said);
  return row;
}

// The server made this HTML safe; scripts would not run anyway.
function fragment(html) {
  const made = document.createElement("template");
  made.innerHTML = html;
  return [...made.content.childNodes];
}

export function linkScrolling(shelf) {
  const set = (on) => linked.setAttribute("aria-pressed", `${on}`);
  set(shelf.get("linked") ?? true);
  linked.addEventListener("click", () => {
    const on = linked.getAttribute("aria-pressed") !== "true";
    set(on);
    shelf.set("linked", on);
  });
  words.forEach(lead);
}

function lead(pane) {
  pane.addEventListener("scroll", () => follow(pane), { passive: true });
}

// The same share of each is out of sight, so that both reach their ends together.
function follow(pane) {
  if (linked.getAttribute("aria-pressed") !== "true" || (leader && leader !== pane)) return;
  leader = pane;
  clearTimeout(release);
  release = setTimeout(() => (leader = null), 120);
  const share = pane.scrollTop / Math.max(1, pane.scrollHeight - pane.clientHeight);
  for (const other of words) {
    if (other !== pane) other.scrollTop = share * (other.scrollHeight - other.clientHeight);
  }
}
