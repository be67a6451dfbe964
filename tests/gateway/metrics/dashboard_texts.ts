// dashboardTexts: what the dashboard's tiles and tables say, without a browser.

import type {
  Elements,
  PageElement,
} from "../../../gateway/dashboard/elements.ts";
import { dashboardFigures } from "../../../gateway/dashboard/figures.ts";
import { dashboardFormat } from "../../../gateway/dashboard/format.ts";
import type { Rates } from "../../../gateway/metrics/rates.ts";
import type { GatewayReport } from "../../../gateway/metrics/report.ts";

class FakeElement {
  readonly dataset: Record<string, string | undefined> = {};
  children: (FakeElement | string)[] = [];

  set textContent(text: string) {
    this.children = [text];
  }

  replaceChildren(...children: (FakeElement | string)[]): void {
    this.children = children;
  }

  texts(): string[] {
    return this.children.flatMap((child) =>
      typeof child === "string" ? [child] : child.texts()
    );
  }
}

/** All that the dashboard says of a report, in the order of its elements. */
export function dashboardTexts(
  report: GatewayReport,
  rates: Rates | null,
): string[] {
  const page = new Map<string, FakeElement>();
  const make = (...children: (PageElement | string)[]) => {
    const element = new FakeElement();
    element.children = children as unknown as (FakeElement | string)[];
    return element as unknown as PageElement;
  };
  const elements: Elements = {
    byId: (id) => {
      if (!page.has(id)) page.set(id, new FakeElement());
      return page.get(id) as unknown as PageElement;
    },
    html: (_tag, _attributes, ...children) => make(...children),
    svg: (_tag, _attributes, ...children) => make(...children),
  };
  dashboardFigures(elements, dashboardFormat()).show(report, rates, undefined);
  return [...page.values()].flatMap((element) => element.texts());
}
