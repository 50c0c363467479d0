// The comparison screen: what is in hand, what is shown, what was said.
// The next comparisons are here before they are wanted; what was said is in the outbox before the
// next one is shown; the network comes after both.

import { Attention } from "./attention.js";
import { Drafts } from "./drafts.js";
import { Editor } from "./edit.js";
import * as form from "./form.js";
import { Keys } from "./keys.js";
import { explain, kept, say, tell, untell, untellJudged } from "./notices.js";
import { Outbox, newKey } from "./outbox.js";
import { linkScrolling, prepare, show } from "./panes.js";
import { Session } from "./session.js";
import { Shelf } from "./shelf.js";
import { Skipper } from "./skip.js";
import { measure, state } from "./states.js";

const IN_HAND = 3; // one on the screen, two ahead
const LOOK_AGAIN = 60_000;
const TOO_SOON = 300; // a second click of the same double click
const el = (id) => document.getElementById(id);
const stage = el("stage");
const { campaign, handle } = stage.dataset;
const base = `/api/campaigns/${encodeURIComponent(campaign)}`;
const csrf = document.querySelector("meta[name=csrf]").content;

const shelf = new Shelf(handle);
const attention = new Attention();
const drafts = new Drafts(shelf, csrf, attention);
const session = new Session(endOfSession);
const outbox = new Outbox(shelf, `${base}/turn`, csrf, body, {
  answered, refused, failed, changed: showSent, wanting,
});

const editor = new Editor(shelf, base, (sent) => {
  outbox.addOther(`${base}/edit`, sent);
  outbox.pump();
});

let current = null; // the item on the screen; `said` is set while an old one is revised
let ahead = [];
let last = null; // {item, said}: what Z brings back
let empty = false; // the server had nothing more
let shownAt = 0;
let late = 0;

// ---- what the server is asked, and what it answers

function body(entry) {
  const have = new Set([...(current ? [current] : []), ...ahead].map((item) => item.assignment));
  for (const assignment of sending()) have.add(assignment);
  if (entry) have.delete(entry.submission.assignment);
  return { submission: entry?.submission ?? null, have: [...have], want: IN_HAND };
}

// Assignments whose judgment is on its way.
function sending() {
  return new Set(outbox.entries().map(({ submission, body: other }) => (submission ?? other)?.assignment));
}

function wanting() {
  return !current && !ahead.length && !empty;
}

function answered(turn, entry, here) {
  untell("away");
  if (entry && !here) return showSent(); // of another campaign: only its receipt matters
  const sent = sending();
  const known = new Set([...(current ? [current] : []), ...ahead].map((item) => item.assignment));
  const held = new Set(turn.held);
  ahead = ahead.filter((item) => held.has(item.assignment));
  for (const item of turn.next) {
    if (!known.has(item.assignment) && !sent.has(item.assignment)) ahead.push(prepare(item));
  }
  const newer = outbox.entries().filter(({ submission }) => submission && !submission.revises);
  session.update(turn, newer.length);
  showSent();
  if (turn.expert) explain(turn.expert, entry.submission, undo);
  else if (entry) untell("expert");
  if (turn.through) tell("through", "good", "You are through the calibration: this is live work now.");
  empty = turn.state !== "work" || (!current && !ahead.length);
  if (turn.state !== "work" && turn.state !== "nothing") return halt(turn.state, turn.why, turn.break_until);
  if (!current) showNext();
}

function refused(why, entry) {
  if (entry) kept(shelf);
  else if (!current) state("error", why);
  else tell("refused", "bad", why);
  showSent();
}

function failed(status, why) {
  showSent();
  if (status) {
    const { pathname } = location;
    const button = status === 401 ? ["Sign in again", `/sign-in?next=${encodeURIComponent(pathname)}`] : ["Reload", pathname];
    tell("away", "warn", `${why}. What you judged is kept in this browser.`, button);
    if (!current) status === 401 ? state("signin") : state("error", why);
  } else if (!current && !ahead.length) state("offline");
}

function showSent() {
  clearTimeout(late);
  const waiting = outbox.entries().length;
  const badge = el("sent");
  badge.dataset.waiting = waiting;
  const put = (text, kind) => {
    if (badge.textContent !== text) badge.textContent = text;
    badge.className = `badge sent ${kind}`;
  };
  if (!waiting) put(shelf.lasting ? "Saved" : "Not kept here", shelf.lasting ? "good" : "warn");
  else late = setTimeout(() => put(`${waiting} waiting`, "warn"), outbox.timer ? 0 : 400);
}

// ---- what is on the screen

function showNext() {
  current = ahead.shift() ?? null;
  if (!current) {
    if (empty) return state("nothing");
    return state(outbox.timer ? "offline" : "loading");
  }
  place(current, drafts.find(current));
}

function place(item, said) {
  if (el("judge").hidden) state("work");
  show(item);
  form.shape(item.responses.length);
  form.write(said);
  editor.show(item);
  attention.start(said ?? {});
  el("skip").disabled = Boolean(item.said);
  el("undo").disabled = Boolean(item.said) || (!last && !shelf.get(`last.${campaign}`));
  stage.classList.remove("fresh");
  void stage.offsetWidth; // so that the fade begins anew
  stage.classList.add("fresh");
  el("main").focus({ preventScroll: true });
  if (getComputedStyle(document.body).display === "block") scrollTo(0, 0);
  shownAt = performance.now();
  say(item.said ? "The last comparison again" : "Next comparison");
}

function halt(name, why, until) {
  drafts.flush(current, form.read());
  current = null;
  ahead = [];
  const when = until ? ` You may go on at ${session.clock(until)}.` : "";
  state(name, `${why}${when}${name === "break" ? " What you have written is kept." : ""}`);
  if (until) session.wake(until, again);
}

function again() {
  empty = false;
  state("loading");
  outbox.retryNow();
}

// ---- what the annotator does

function submit(event) {
  event?.preventDefault();
  if (!current || performance.now() - shownAt < TOO_SOON) return;
  const begun = event?.timeStamp ?? performance.now();
  const said = form.read();
  const wrong = form.missing(said);
  if (wrong) {
    form.showProblem(wrong);
    if (form.ranks() || said.choice === null) form.standFirst();
    else form.rationale.focus();
    return;
  }
  const revises = Boolean(current.said);
  // Two windows give the first word on a comparison the same key: it cannot count twice.
  const key = revises ? `${current.assignment}.${newKey()}` : current.assignment;
  const { ranks, ...rest } = said;
  const ranking = form.ranks() ? form.order(ranks) : null;
  outbox.add({ assignment: current.assignment, key, revises, ...rest, ranking, ...attention.read() });
  drafts.drop(current);
  last = { item: { ...current, nodes: null, said: null }, said };
  shelf.set(`last.${campaign}`, true);
  untellJudged();
  session.count(revises);
  showNext();
  if (current) measure(begun);
  outbox.pump();
}

const skipper = new Skipper((why, key) => {
  const { assignment } = current;
  outbox.addOther(`${base}/skip`, { assignment, why, key });
  drafts.drop(current);
  showNext();
  untellJudged();
  say("Skipped");
  outbox.pump();
});

function skip() {
  if (current && !current.said) skipper.open();
}

async function undo() {
  if (current?.said || (!last && !shelf.get(`last.${campaign}`))) return;
  const found = last ?? (await fetchLast());
  if (!found) return tell("undo", "warn", "The last judgment cannot be reached right now.");
  if (current) {
    drafts.flush(current, form.read());
    ahead.unshift({ ...current, nodes: null });
  }
  current = { ...found.item, said: found.said };
  place(current, drafts.find(current) ?? found.said);
  tell("revising", "", "You are judging your last comparison again. Submit replaces what you said.", [
    "Leave it as it was", leaveRevision,
  ]);
}

async function fetchLast() {
  try {
    const answer = await fetch(`${base}/last`);
    const found = answer.ok ? await answer.json() : null;
    return found?.item ? found : null;
  } catch {
    return null;
  }
}

function leaveRevision() {
  untell("revising");
  if (!current?.said) return;
  drafts.drop(current);
  showNext();
}

function endOfSession() {
  if (current && !current.said) drafts.flush(current, form.read());
  outbox.exchangeNow();
}

function toggleGuide() {
  const guide = el("guide");
  guide.hidden = !guide.hidden;
  el("open-guide").setAttribute("aria-expanded", `${!guide.hidden}`);
  (guide.hidden ? el("main") : guide).focus({ preventScroll: true });
}

function act(action, event) {
  const working = current && !el("judge").hidden;
  if (action === "help") return el("keys-dialog").showModal() ?? true;
  if (action === "guide") return toggleGuide() ?? true;
  if (action === "leave") return leave();
  if (action === "undo") return undo() && true;
  if (!working) return false;
  if (action === "submit") {
    if (!event.repeat) submit(event);
    return true;
  }
  return judgeBy(action);
}

function judgeBy(action) {
  if (action.startsWith("rank")) return form.ranks() && (say(form.rank(action.slice(4))) ?? true);
  const acts = {
    prefer1: () => say(form.choose(1)), prefer2: () => say(form.choose(2)), tie: () => say(form.choose(0)),
    strong1: () => say(form.choose(1, 3)), strong2: () => say(form.choose(2, 3)),
    up: () => form.move(-1), down: () => form.move(1), left: () => say(form.step(-1)), right: () => say(form.step(1)),
    rationale: () => form.rationale.focus(), flag: () => el("flag-dialog").showModal(),
    edit, skip,
  };
  acts[action]();
  return true;
}

// By key: the response that was chosen.
function edit() {
  if (form.ranks()) return;
  const { choice } = form.read();
  if (choice) editor.open(choice);
  else tell("edit", "", "Choose Response 1 or 2 first: the key edits the chosen one.");
}

// Escape: out of the reasons, out of the playbook, out of a revision.
function leave() {
  if (document.activeElement === form.rationale) form.stand(0, true);
  else if (!el("guide").hidden) toggleGuide();
  else if (current?.said) leaveRevision();
  else return false;
  return true;
}

// ---- other windows of the same person

function elsewhere(name, value) {
  if (name.startsWith("out.")) {
    const gone = value && JSON.parse(value).submission?.assignment;
    ahead = ahead.filter((item) => item.assignment !== gone);
    if (gone && current?.assignment === gone && !current.said) {
      tell("window", "", "You judged that one in another window.");
      showNext();
      outbox.pump();
    }
    showSent();
  } else if (name.startsWith("kept.")) kept(shelf);
  else if (current && !current.said && name === `draft.${current.assignment}` && !document.hasFocus()) {
    form.write(drafts.find(current));
  }
}

// ---- begin

function changed() {
  if (!current) return;
  form.showProblem("");
  form.refresh();
  drafts.keep(current, form.read());
}

new Keys(shelf, act);
linkScrolling(shelf);
kept(shelf);
shelf.watch(elsewhere);
form.form.addEventListener("submit", submit);
for (const part of [form.form, el("flag-dialog")]) {
  part.addEventListener("input", changed);
  part.addEventListener("change", changed);
}
el("undo").addEventListener("click", undo);
el("skip").addEventListener("click", skip);
el("open-flags")?.addEventListener("click", () => el("flag-dialog").showModal());
el("open-keys").addEventListener("click", () => el("keys-dialog").showModal());
el("open-guide").addEventListener("click", toggleGuide);
el("close-guide").addEventListener("click", toggleGuide);
for (const button of document.querySelectorAll("[data-again]")) button.addEventListener("click", again);
addEventListener("pagehide", () => current && drafts.keep(current, form.read()));
setInterval(() => {
  const idle = !current && !el("state-nothing").hidden && document.visibilityState === "visible";
  if (idle) (empty = false), outbox.pump();
}, LOOK_AGAIN);
outbox.pump();
