// What is seen before there is a table.

import { button, element, face } from "./elements.ts";
import { settings } from "./settings.ts";

/** Where a player says who it is. */
export function lobby(comesIn: (name: string) => void): HTMLElement {
  const { texts } = settings;
  const input = element("input", {
    ...{ value: settings.name, maxLength: 20, required: true },
    ...{ autocomplete: "nickname", "data-key": "name" },
    "aria-label": texts.name,
    placeholder: texts.name,
  }) as HTMLInputElement;
  return element(
    "form",
    {
      className: "lobby",
      onsubmit: (event: Event) => {
        event.preventDefault();
        comesIn(input.value);
      },
    },
    element(
      "span",
      { className: "fan", "aria-hidden": "true" },
      ...[53, 52, 51, 46, 41].map(face),
    ),
    element("p", {}, texts.about),
    input,
    element("button", { className: "main", "data-key": "play" }, texts.play),
  );
}

/** What a window shows whose player has come by another one, such as its duplicate. */
export function replacedBy(comeBack: () => void): HTMLElement {
  const { texts } = settings;
  return element(
    "section",
    { className: "lobby" },
    element("p", { role: "alert" }, texts.replaced),
    button("here", texts.playHere, comeBack, { className: "main" }),
  );
}

/** Where a player waits for a table. */
export function waitingRoom(
  { connected, waiting }: { connected: boolean; waiting: boolean },
  notice: string,
  sit: () => void,
  leave: () => void,
): HTMLElement {
  const { texts } = settings;
  if (connected && !waiting) {
    return element(
      "section",
      { className: "lobby" },
      notice !== "" && element("p", { role: "alert" }, notice),
      button("again", texts.again, sit, { className: "main" }),
      button("leave", texts.leave, leave),
    );
  }
  return element(
    "section",
    { className: "lobby" },
    element("span", { className: "spinner", "aria-hidden": "true" }),
    element("p", {}, connected ? texts.waiting : texts.connecting),
    button("leave", texts.leave, leave),
  );
}
