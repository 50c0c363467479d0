// Time really spent on one comparison: it stands still while the page is hidden or nobody moves.

const IDLE = 60_000;

export class Attention {
  constructor() {
    this.start({});
    this.moved = performance.now();
    for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "scroll"]) {
      addEventListener(kind, () => this.#stir(), { capture: true, passive: true });
    }
    addEventListener("blur", () => this.#leave());
    addEventListener("focus", () => this.#comeBack());
    document.addEventListener("visibilitychange", () =>
      document.visibilityState === "hidden" ? this.#leave() : this.#comeBack(),
    );
    setInterval(() => this.#tick(), 1000);
  }

  // Begin with what a draft remembers.
  start({ active_ms = 0, focus_losses = 0, away_ms = 0 }) {
    Object.assign(this, { active: active_ms, losses: focus_losses, away: away_ms });
    this.last = performance.now();
    this.moved = this.last;
    this.left = document.visibilityState === "hidden" ? this.last : null;
  }

  read() {
    this.#tick();
    const now = this.left === null ? 0 : performance.now() - this.left;
    return {
      active_ms: Math.round(this.active),
      focus_losses: this.losses,
      away_ms: Math.round(this.away + now),
    };
  }

  #tick() {
    const now = performance.now();
    const until = Math.min(now, this.moved + IDLE);
    if (this.left === null && until > this.last) this.active += until - this.last;
    this.last = now;
  }

  #stir() {
    this.#tick();
    this.moved = performance.now();
  }

  #leave() {
    this.#tick();
    if (this.left !== null) return;
    this.left = performance.now();
    this.losses += 1;
  }

  #comeBack() {
    if (this.left === null) return;
    this.#tick();
    this.away += performance.now() - this.left;
    this.left = null;
    this.moved = performance.now();
  }
}
