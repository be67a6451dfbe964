// What the dashboard uses of a browser, and how it makes the elements of its page. Runs in the
// browser.

/** An element of the page, as far as it is used. */
export interface PageElement {
  /** Its text; setting it never makes elements of it. */
  textContent: string | null;
  /** Whether it is not shown. */
  hidden: boolean;
  /** What was typed into it. */
  value?: string;
  /** Its `data-` attributes. */
  readonly dataset: Record<string, string | undefined>;
  /** Its width in pixels, padding included. */
  readonly clientWidth: number;
  /** Puts these in place of all that is in it. */
  replaceChildren(...children: (PageElement | string)[]): void;
  /** Sets an attribute. */
  setAttribute(name: string, value: string): void;
  /** Lets the keyboard type into it. */
  focus?(): void;
  /** Where it is. */
  getBoundingClientRect(): { readonly left: number; readonly width: number };
  /** Calls `listener` at every such event. */
  addEventListener(type: string, listener: (event: PageEvent) => void): void;
}

/** An event of the page, as far as it is used. */
export interface PageEvent {
  /** Where the pointer is. */
  readonly clientX: number;
  /** Keeps the browser from what it does by itself. */
  preventDefault(): void;
}

/** The browser, as far as it is used. */
export interface Browser {
  /** The page. */
  readonly document: {
    title: string;
    readonly hidden: boolean;
    readonly documentElement: PageElement;
    getElementById(id: string): PageElement | null;
    createElement(tag: string): PageElement;
    createElementNS(namespace: string, tag: string): PageElement;
    addEventListener(type: string, listener: () => void): void;
  };
  /** What is remembered; reading it throws where the browser forbids it. */
  readonly localStorage: Pick<Storage, "getItem" | "setItem">;
  /** The same for as long as the tab is open. */
  readonly sessionStorage: Pick<Storage, "getItem" | "setItem">;
  /** Makes texts of bytes. */
  readonly TextDecoder: typeof TextDecoder;
  /** Asks the gateway. */
  fetch(path: string, options: RequestInit): Promise<Response>;
  /** Asks what the screen is like. */
  matchMedia(query: string): { readonly matches: boolean };
  /** Calls `listener` at every such event. */
  addEventListener(type: string, listener: () => void): void;
  /** Calls `work` again and again. */
  setInterval(work: () => void, ms: number): number;
  /** Calls `work` once. */
  setTimeout(work: () => void, ms: number): number;
}

/** The attributes of a new element. */
export type Attributes = Readonly<Record<string, string | number>>;

/** How elements are found and made. */
export interface Elements {
  /** The element with this id, which is in the page. */
  byId(id: string): PageElement;
  /** A new HTML element; texts among the children stay texts. */
  html(
    tag: string,
    attributes: Attributes,
    ...children: (PageElement | string)[]
  ): PageElement;
  /** A new SVG element; texts among the children stay texts. */
  svg(
    tag: string,
    attributes: Attributes,
    ...children: (PageElement | string)[]
  ): PageElement;
}

/** Makes {@linkcode Elements}. */
export function dashboardElements({ document }: Browser): Elements {
  const SVG = "http://www.w3.org/2000/svg";

  function filled(
    element: PageElement,
    attributes: Attributes,
    children: (PageElement | string)[],
  ): PageElement {
    for (const [name, value] of Object.entries(attributes)) {
      element.setAttribute(name, String(value));
    }
    element.replaceChildren(...children);
    return element;
  }

  return {
    byId: (id) => {
      const element = document.getElementById(id);
      if (!element) throw new Error(`the page has no ${id}`);
      return element;
    },
    html: (tag, attributes, ...children) =>
      filled(document.createElement(tag), attributes, children),
    svg: (tag, attributes, ...children) =>
      filled(document.createElementNS(SVG, tag), attributes, children),
  };
}
