// Submissions on their way: kept in this browser until the server has said what became of each.
// One window of a person sends at a time; every submission carries a key, so that sending it
// again changes nothing.

const LONGEST_WAIT = 30_000;
const PATIENCE = 20_000;

export class Outbox {
  // `exchange(entry or null)` builds one turn's body; `on` has answered, refused, failed, changed.
  constructor(shelf, path, csrf, exchange, on) {
    Object.assign(this, { shelf, path, csrf, exchange, on });
    this.tries = 0;
    this.running = false;
    this.again = false;
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && this.timer) this.retryNow();
    });
  }

  entries() {
    return this.shelf.names("out.").map((name) => ({ name, ...this.shelf.get(name) }));
  }

  // Kept before anything else happens: from here on it cannot be lost.
  add(submission) {
    this.#put(submission.key, { submission, path: this.path });
  }

  // Something else to be sent the same way; `body` carries its own key.
  addOther(path, body) {
    this.#put(body.key, { path, body });
  }

  #put(key, entry) {
    // After all that waits, also where the clock was set back.
    const last = Number(this.shelf.names("out.").at(-1)?.split(".")[1] ?? 0);
    const order = `${Math.max(Date.now(), last + 1)}`.padStart(15, "0");
    this.shelf.set(`out.${order}.${key}`, entry);
    this.on.changed();
  }

  retryNow() {
    clearTimeout(this.timer);
    this.timer = null;
    this.tries = 0;
    this.pump();
  }

  // One turn whatever is in hand: the session's end, or a look whether there is more.
  exchangeNow() {
    this.asking = true;
    this.retryNow();
  }

  // Sends what waits, then asks for more if `wanted()` says so.
  async pump() {
    if (this.running) {
      this.again = true;
      return;
    }
    this.running = true;
    try {
      do {
        this.again = false;
        await alone(`${this.shelf.prefix}outbox`, () => this.#drain());
      } while (this.again);
    } finally {
      this.running = false;
    }
  }

  async #drain() {
    for (;;) {
      const entry = this.entries()[0] ?? null;
      if (!entry && !this.asking && !this.on.wanting()) return;
      if (!entry) this.asking = false;
      const went = await this.#send(entry);
      if (!went) return;
    }
  }

  async #send(entry) {
    let answer;
    try {
      answer = await fetch(entry?.path ?? this.path, {
        method: "POST",
        headers: { "content-type": "application/json", "x-csrf-token": this.csrf },
        body: JSON.stringify(entry?.body ?? this.exchange(entry)),
        signal: AbortSignal.timeout(PATIENCE),
        redirect: "error",
      });
    } catch {
      return this.#later(0);
    }
    if (answer.status >= 500 || answer.status === 429) {
      return this.#later(Number(answer.headers.get("retry-after")) * 1000 || 0);
    }
    const body = await answer.json().catch(() => null);
    if (body === null) return this.#later(0);
    this.tries = 0;
    if (answer.ok) {
      if (entry) this.shelf.remove(entry.name);
      this.on.answered(body, entry, entry === null || entry.path === this.path);
      return true;
    }
    if (answer.status === 401 || answer.status === 403) {
      this.on.failed(answer.status, body.error);
      return false;
    }
    if (entry) {
      this.shelf.set(`kept.${entry.name.slice(4)}`, { ...entry, why: body.error });
      this.shelf.remove(entry.name);
    }
    this.on.refused(body.error, entry);
    return entry !== null;
  }

  // Not reached: try again, each time after a longer wait.
  #later(least) {
    const wait = Math.max(least, Math.min(LONGEST_WAIT, 500 * 2 ** this.tries));
    this.tries += 1;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.pump();
    }, wait * (0.8 + 0.4 * Math.random()));
    this.on.failed(0, "");
    return false;
  }
}

// A key nobody used before; unlike randomUUID it is there without TLS too.
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Runs `work` while no other window of this person does. Without locks the keys suffice.
function alone(name, work) {
  return navigator.locks ? navigator.locks.request(name, work) : work();
}
