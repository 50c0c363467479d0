// What this browser keeps for one person: small values under names of their own.
// Where the browser keeps nothing (private windows), memory serves, and `lasting` says so.

export class Shelf {
  constructor(handle) {
    this.prefix = `prefloop.${encodeURIComponent(handle)}.`;
    this.memory = new Map();
    this.lasting = true;
  }

  get(name) {
    const raw = this.memory.get(name) ?? this.#read(name);
    if (raw === null || raw === undefined) return null;
    try {
      return JSON.parse(raw);
    } catch {
      return null; // not ours, or cut off: as if it were not there
    }
  }

  set(name, value) {
    const raw = JSON.stringify(value);
    try {
      localStorage.setItem(this.prefix + name, raw);
      this.memory.delete(name);
    } catch {
      this.memory.set(name, raw);
      this.lasting = false;
    }
  }

  remove(name) {
    this.memory.delete(name);
    try {
      localStorage.removeItem(this.prefix + name);
    } catch {
      // nothing was kept
    }
  }

  // Names that begin so, in order.
  names(start) {
    const found = new Set([...this.memory.keys()]);
    try {
      for (let n = 0; n < localStorage.length; n += 1) {
        const key = localStorage.key(n);
        if (key.startsWith(this.prefix)) found.add(key.slice(this.prefix.length));
      }
    } catch {
      // memory alone
    }
    return [...found].filter((name) => name.startsWith(start)).sort();
  }

  // Tells of changes that another window of the same person makes.
  watch(changed) {
    addEventListener("storage", (event) => {
      if (event.key?.startsWith(this.prefix)) changed(event.key.slice(this.prefix.length), event.newValue);
    });
  }

  #read(name) {
    try {
      return localStorage.getItem(this.prefix + name);
    } catch {
      return null;
    }
  }
}
