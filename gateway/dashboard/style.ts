// How the dashboard looks, by day and by night.

/**
 * The style sheet. The colours of lines are from the Okabe-Ito palette, which colour-blind people
 * tell apart; the second line is dashed as well.
 */
export const DASHBOARD_STYLE: string = `
:root {
  color-scheme: light dark;
  --page: light-dark(#f4f5f7, #14171c);
  --panel: light-dark(#ffffff, #1d2128);
  --edge: light-dark(#dfe2e8, #2d333d);
  --text: light-dark(#1b1f26, #e7eaf0);
  --faint: light-dark(#5b6472, #99a3b3);
  --line0: light-dark(#0072b2, #56b4e9);
  --line1: light-dark(#d55e00, #e69f00);
  --good: light-dark(#00684b, #2fc79b);
  --warn: light-dark(#9a4600, #e69f00);
  --bad: light-dark(#b3121d, #ff7b7b);
}
:root[data-theme="light"] { color-scheme: light; }
:root[data-theme="dark"] { color-scheme: dark; }
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  max-width: 1500px;
  padding: 16px;
  background: var(--page);
  color: var(--text);
  font: 14px/1.45 system-ui, sans-serif;
  font-variant-numeric: tabular-nums;
}
header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; margin-bottom: 14px; }
h1 { margin: 0; font-size: 20px; }
h2 { margin: 0 0 6px; font-size: 14px; display: flex; justify-content: space-between; }
.about { color: var(--faint); overflow-wrap: anywhere; }
.about b { color: var(--text); font-weight: 500; }
#theme {
  margin-left: auto;
  width: 36px;
  height: 36px;
  border: 1px solid var(--edge);
  border-radius: 8px;
  background: var(--panel);
  color: var(--text);
  font-size: 16px;
  cursor: pointer;
}
.state { padding: 2px 10px; border: 1px solid; border-radius: 99px; font-weight: 600; color: var(--warn); }
.state::before { content: "■ "; }
:root[data-state="serving"] .state { color: var(--good); }
:root[data-state="serving"] .state::before { content: "● "; }
:root[data-state="leaving"] .state::before,
:root[data-state="draining"] .state::before { content: "◐ "; }
.notice {
  margin: 0 0 14px;
  padding: 10px 14px;
  border: 1px solid var(--warn);
  border-left-width: 6px;
  border-radius: 8px;
  background: var(--panel);
  font-size: 16px;
  font-weight: 600;
}
.notice[hidden] { display: none; }
#token-form { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 12px; font-size: 14px; }
#token-form[hidden] { display: none; }
#token, #token-form button { padding: 6px 10px; border: 1px solid var(--edge); border-radius: 8px; background: var(--page); color: var(--text); font: inherit; }
#token { flex: 1 1 220px; min-width: 0; }
#token-wrong { color: var(--bad); }
#token-wrong[hidden] { display: none; }
:root[data-state="stopped"] main, :root[data-state="not answering"] main { opacity: 0.6; }
.tiles, .charts, .tables { display: grid; gap: 12px; margin: 0 0 12px; }
.tiles { display: flex; flex-wrap: wrap; }
.charts { grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); }
.tables { align-items: start; }
.tile, .panel { min-width: 0; margin: 0; padding: 12px 14px; border: 1px solid var(--edge); border-radius: 10px; background: var(--panel); }
.tile { flex: 1 1 148px; }
.tile[data-level="bad"] { border-color: var(--bad); box-shadow: inset 0 0 0 1px var(--bad); }
[data-level="bad"] .value, .tile[data-level="bad"] .more, tr[data-level="bad"] td { color: var(--bad); font-weight: 650; }
.tile dt { color: var(--faint); }
.tile dd { margin: 0; }
.value { font-size: 26px; font-weight: 650; line-height: 1.3; }
.more { color: var(--faint); font-size: 12px; }
#cluster { margin: 0 0 12px; }
#cluster[hidden] { display: none; }
#cluster[data-level="bad"] { border-color: var(--bad); }
#cluster[data-level="bad"] h2 b, #cluster[data-level="bad"] #cluster-more { color: var(--bad); }
#cluster-more { margin: 0 0 6px; }
tr[data-level="old"] td { opacity: 0.55; }
tr[data-level="leaves"] td { color: var(--warn); }
figure { margin: 0; }
figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 12px; margin-bottom: 4px; }
figcaption .name { font-weight: 600; }
.key { white-space: nowrap; font-size: 13px; }
.key + .key { margin-left: 10px; }
.key svg { vertical-align: middle; }
figure > svg { display: block; width: 100%; touch-action: pan-y; }
svg text { fill: var(--faint); font-size: 11px; }
svg .when { fill: var(--text); }
.grid { stroke: var(--edge); fill: none; }
.cross { stroke: var(--text); fill: none; stroke-dasharray: 2 2; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.line0 { stroke: var(--line0); }
.line1 { stroke: var(--line1); stroke-dasharray: 5 4; }
.area { fill: var(--line0); opacity: 0.14; }
.scroll { max-height: 420px; overflow: auto; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 4px 7px; text-align: right; white-space: nowrap; }
th { position: sticky; top: 0; background: var(--panel); color: var(--faint); font-weight: 500; box-shadow: inset 0 -1px var(--edge); }
tbody tr + tr td { border-top: 1px solid var(--edge); }
td { max-width: 220px; overflow: hidden; text-overflow: ellipsis; }
th:first-child, td:first-child, .workers th:nth-child(2), .workers td:nth-child(2), .gateways th:nth-child(2), .gateways td:nth-child(2) { text-align: left; }
th:first-child, td:first-child { padding-left: 0; }
.trouble td:first-child { white-space: normal; max-width: none; }
.charts .scroll { max-height: 150px; }
.note { margin: 6px 0 0; color: var(--faint); }
.note:empty { display: none; }
@media (min-width: 1100px) {
  .tables { grid-template-columns: 3fr 2fr; }
}
@media (max-width: 500px) {
  body { padding: 10px; }
  .about { order: 1; flex-basis: 100%; }
  .tiles { gap: 8px; }
  .value { font-size: 22px; }
  .tile { flex-basis: calc(50% - 4px); padding: 10px; }
}
`;
