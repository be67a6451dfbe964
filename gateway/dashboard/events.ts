// Follows the events of the gateway, with the token that it may want, and says when they end. Runs
// in the browser.
//
// By `fetch`, since an `EventSource` cannot bring a token but in its address, where logs see it.

import type { Browser, Elements } from "./elements.ts";

/** What is told of the events. */
export interface EventsHandler {
  /** An event came. */
  onEvent(name: string, data: string): void;
  /** None comes any more, for now. */
  onLost(): void;
}

/** Follows the events for as long as the page is open. */
export type DashboardEvents = (handler: EventsHandler) => void;

/** Makes {@linkcode DashboardEvents}. */
export function dashboardEvents(
  browser: Browser,
  { byId }: Elements,
): DashboardEvents {
  const RETRY_MS = 2000;
  const KEY = "maple-metrics-token";
  let token = remembered();
  let onToken: (() => void) | undefined;

  function remembered(): string {
    try {
      return browser.sessionStorage.getItem(KEY) ?? "";
    } catch {
      return "";
    }
  }

  // It goes with this tab.
  function remember(): void {
    try {
      browser.sessionStorage.setItem(KEY, token);
    } catch {
      // It holds for as long as the page is open.
    }
  }

  function askForToken(): Promise<void> {
    byId("token-form").hidden = false;
    byId("token-wrong").hidden = token === "";
    byId("token").focus?.();
    return new Promise((resolve) => {
      onToken = resolve;
    });
  }

  async function read(handler: EventsHandler): Promise<void> {
    const headers = token === "" ? {} : { authorization: `Bearer ${token}` };
    const response = await browser.fetch("events", {
      headers,
      cache: "no-store",
    });
    if (response.status === 401) {
      handler.onLost();
      await askForToken();
      return;
    }
    byId("token-form").hidden = true;
    if (!response.ok || !response.body) throw new Error("no events");
    const reader = response.body.getReader();
    const decoder = new browser.TextDecoder();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error("the events have ended");
      text += decoder.decode(value, { stream: true });
      const events = text.split("\n\n");
      text = events.pop()!;
      for (const event of events) give(event, handler);
    }
  }

  function give(event: string, handler: EventsHandler): void {
    const [, name] = /^event: (.*)$/m.exec(event) ?? [];
    const [, data] = /^data: (.*)$/m.exec(event) ?? [];
    if (name !== undefined && data !== undefined) handler.onEvent(name, data);
  }

  byId("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    token = (byId("token").value ?? "").trim();
    byId("token").value = "";
    if (token === "") return;
    remember();
    onToken?.();
  });

  return (handler) => {
    function follow(): void {
      read(handler).then(follow, () => {
        handler.onLost();
        browser.setTimeout(follow, RETRY_MS);
      });
    }
    follow();
  };
}
