// Settings of the page, and who the player is: kept by the browser.

import { type Language, TEXTS, type Texts } from "./texts.ts";

/** What the page looks like. */
export type Theme = "auto" | "light" | "dark";

const THEMES: readonly Theme[] = ["auto", "light", "dark"];

class Settings {
  #language: Language;
  #theme: Theme;

  constructor() {
    const wanted = new URLSearchParams(location.search).get("lang") ??
      localStorage.getItem("language") ?? navigator.language;
    this.#language = wanted.startsWith("zh") ? "zh" : "en";
    const theme = localStorage.getItem("theme") as Theme | null;
    this.#theme = theme && THEMES.includes(theme) ? theme : "auto";
    this.#apply();
  }

  /** What it says. */
  get texts(): Texts {
    return TEXTS[this.#language];
  }

  /** What it looks like. */
  get theme(): Theme {
    return this.#theme;
  }

  readonly nextLanguage = (): void => {
    this.#language = this.#language === "zh" ? "en" : "zh";
    localStorage.setItem("language", this.#language);
    this.#apply();
  };

  readonly nextTheme = (): void => {
    const at = THEMES.indexOf(this.#theme);
    this.#theme = THEMES[(at + 1) % THEMES.length]!;
    localStorage.setItem("theme", this.#theme);
    this.#apply();
  };

  /** The player's secret: of this window, so that two windows are two players. */
  get token(): string {
    const known = sessionStorage.getItem("token");
    if (known) return known;
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const token = Array.from(
      bytes,
      (byte) => byte.toString(16).padStart(2, "0"),
    )
      .join("");
    sessionStorage.setItem("token", token);
    return token;
  }

  /** The name. */
  get name(): string {
    return sessionStorage.getItem("name") ?? localStorage.getItem("name") ?? "";
  }

  set name(name: string) {
    sessionStorage.setItem("name", name);
    localStorage.setItem("name", name);
  }

  /** Whether the player wants to play when the page is loaded. */
  get playing(): boolean {
    return sessionStorage.getItem("playing") === "yes";
  }

  set playing(playing: boolean) {
    sessionStorage.setItem("playing", playing ? "yes" : "no");
  }

  #apply(): void {
    const { documentElement: root } = document;
    root.lang = this.#language === "zh" ? "zh-CN" : "en";
    document.title = this.texts.title;
    if (this.#theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = this.#theme;
  }
}

/** Those of this window. */
export const settings: Settings = new Settings();
