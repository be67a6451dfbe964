// The dashboard: one HTML document without external resources.
//
// The charts are drawn by chart.ts rather than by a library: what a library for charts brings would
// have to be copied into this project, and is ten times as long as the five line charts need.

import { dashboardChart } from "./chart.ts";
import { dashboardEvents } from "./events.ts";
import { dashboardElements } from "./elements.ts";
import { dashboardFigures } from "./figures.ts";
import { dashboardFormat } from "./format.ts";
import { DASHBOARD_BODY } from "./markup.ts";
import { dashboardScript } from "./script.ts";
import { DASHBOARD_STYLE } from "./style.ts";

/**
 * The page as an answer.
 *
 * @param historySeconds How far back its charts go.
 */
export async function dashboardResponse(
  historySeconds: number,
): Promise<Response> {
  const script = scriptText(historySeconds);
  // What comes from workers is only ever put in as text; the browser is told to run nothing but
  // this script all the same.
  const policy = [
    "default-src 'none'",
    `script-src '${await hashOf(script)}'`,
    `style-src '${await hashOf(DASHBOARD_STYLE)}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return new Response(pageText(script), {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy.join("; "),
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    },
  });
}

function pageText(script: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>maple gateway</title>
<link rel="icon" href="data:,">
<style>${DASHBOARD_STYLE}</style>
</head>
<body>
${DASHBOARD_BODY}
<script>${script}</script>
</body>
</html>
`;
}

// The functions that run in the browser are checked like all others and sent as their own source
// text; so each of them uses only what it is given.
function scriptText(historySeconds: number): string {
  return `"use strict";
{
const browser = globalThis;
const format = (${dashboardFormat})();
const elements = (${dashboardElements})(browser);
const chart = (${dashboardChart})(elements, format, ${historySeconds});
const figures = (${dashboardFigures})(elements, format);
const events = (${dashboardEvents})(browser, elements);
(${dashboardScript})(browser, { elements, format, chart, figures, events });
}`;
}

async function hashOf(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256-${btoa(String.fromCharCode(...hash))}`;
}
