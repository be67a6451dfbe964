// Talk: the chat beside the table. Its input stays the same element all the time: a text that is
// being typed, in Chinese by several keys a character, would break off otherwise.

import type { ChatBody } from "../messages.ts";
import type { View } from "../view.ts";
import { button, element } from "./elements.ts";
import type { Texts } from "./texts.ts";

/** The chat. */
export class Talk {
  readonly #place: HTMLElement;
  readonly #say: (text: string) => void;
  readonly #lines: HTMLElement;
  readonly #input: HTMLInputElement;
  readonly #send: HTMLElement;
  readonly #phrases: HTMLElement;
  #texts: Texts | undefined;

  /**
   * Makes it.
   *
   * @param place Where it is.
   * @param say Is called with what is said.
   */
  constructor(place: HTMLElement, say: (text: string) => void) {
    this.#place = place;
    this.#say = say;
    this.#lines = element("ol", { role: "log" });
    this.#input = element("input", {
      ...{ maxLength: 200, "data-key": "say" },
    }) as HTMLInputElement;
    this.#send = element("button", { "data-key": "send" });
    this.#phrases = element("div", { className: "phrases" });
    const onsubmit = (event: Event) => {
      event.preventDefault();
      const { value } = this.#input;
      this.#input.value = "";
      if (value.trim() !== "") say(value);
    };
    const form = element("form", { onsubmit }, this.#input, this.#send);
    place.replaceChildren(this.#lines, form, this.#phrases);
  }

  /** Shows what was said at a table; nothing without one. */
  show(
    view: View | null | undefined,
    chat: readonly ChatBody[],
    texts: Texts,
  ): void {
    this.#place.hidden = !view;
    this.#speak(texts);
    this.#lines.replaceChildren(
      ...chat.map(({ seat, text }) => {
        const name = view?.seats[seat]?.name ?? "?";
        return element("li", {}, element("strong", {}, name), ` ${text}`);
      }),
    );
    this.#lines.scrollTop = this.#lines.scrollHeight;
  }

  #speak(texts: Texts): void {
    if (this.#texts === texts) return;
    this.#texts = texts;
    this.#place.setAttribute("aria-label", texts.chat);
    this.#input.setAttribute("aria-label", texts.say);
    this.#input.placeholder = texts.say;
    this.#send.textContent = texts.send;
    this.#phrases.replaceChildren(
      ...texts.phrases.map((text, i) =>
        button(`phrase${i}`, text, () => this.#say(text))
      ),
    );
  }
}
