// When the service is asked: once the typing pauses, for the newest text only. An older request is cancelled, and
// whatever it still brings is dropped; one that failed for a while is made again by itself.

import { Problem } from "./service.js";

/**
 * `ask(signal)` makes the request of the moment and resolves to its answer; `begun()`, `answered(answer)` and
 * `failed(problem)` hear how it goes. At most one request is under way.
 */
export class Requests {
  #timer = 0;
  #current = new AbortController();

  constructor({ ask, begun, answered, failed }) {
    this.ask = ask;
    this.begun = begun;
    this.answered = answered;
    this.failed = failed;
  }

  /** Ask after a pause, unless something newer is asked before its end. */
  after(milliseconds) {
    this.cancel();
    this.#timer = setTimeout(() => this.#make(), milliseconds);
  }

  /** Let go of what is planned or under way. */
  cancel() {
    clearTimeout(this.#timer);
    this.#current.abort();
  }

  async #make() {
    const controller = new AbortController();
    const { signal } = controller;
    this.#current = controller;
    this.begun();
    try {
      const answer = await this.ask(signal);
      if (!signal.aborted) this.answered(answer);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      if (error.retryAfter !== null) this.#timer = setTimeout(() => this.#make(), error.retryAfter * 1000);
      this.failed(error);
    }
  }
}
