// What is in the page of the dashboard before there are figures.

function tile(id: string, name: string): string {
  return `<div class="tile" id="${id}-tile">
<dt>${name}</dt>
<dd class="value" id="${id}">–</dd>
<dd class="more" id="${id}-more"></dd>
</div>`;
}

function chart(id: string): string {
  return `<div class="panel"><figure id="chart-${id}"></figure></div>`;
}

function table(id: string, heads: readonly string[]): string {
  return `<div class="scroll">
<table class="${id}">
<thead><tr>${
    heads.map((head) => `<th scope="col">${head}</th>`).join("")
  }</tr></thead>
<tbody id="${id}-rows"></tbody>
</table>
<p class="note" id="${id}-note"></p>
</div>`;
}

/** The body of the page. */
export const DASHBOARD_BODY: string = `<header>
<h1>maple gateway</h1>
<span class="state" id="state" role="status">waiting for data</span>
<span class="about">clients <b id="outer">–</b> · workers <b id="inner">–</b> ·
node <b id="node">–</b> · io <b id="io">–</b> · version <b id="version">–</b></span>
<button type="button" id="theme" aria-label="light or dark" title="light or dark">◐</button>
</header>
<p class="notice" id="notice" role="alert" hidden></p>
<form class="notice" id="token-form" hidden>
<label for="token">Token (--metrics-token-file)</label>
<input id="token" type="password" autocomplete="off" spellcheck="false" maxlength="256">
<button type="submit">Show</button>
<span id="token-wrong" role="alert" hidden>This token is not taken.</span>
</form>
<main>
<dl class="tiles">
${tile("clients", "Clients")}
${tile("groups", "Groups")}
${tile("requests", "Requests/s")}
${tile("waiting", "Tasks waiting")}
${tile("workers", "Workers")}
${tile("chained", "Tasks chained/s")}
${tile("work", "Time in worker")}
${tile("delay", "Event-loop delay")}
${tile("memory", "Memory")}
</dl>
<div class="charts">
${chart("requests")}
${chart("work")}
${chart("waiting")}
${chart("clients")}
${chart("delay")}
<section class="panel">
<h2>Refused, dropped, closed <b id="trouble-sum">–</b></h2>
${table("trouble", ["what and why", "since the start"])}
</section>
</div>
<section class="panel" id="cluster" hidden>
<h2>Cluster <b id="cluster-name">–</b></h2>
<p class="note" id="cluster-more"></p>
${
  table("gateways", [
    "gateway",
    "clients at",
    "node",
    "state",
    "clients",
    "users",
    "workers",
    "delay",
    "up",
    "version",
  ])
}
</section>
<div class="tables">
<section class="panel">
<h2>Workers</h2>
${
  table("workers", [
    "name",
    "address",
    "pid",
    "in hand",
    "credits",
    "per s",
    "done",
    "seen",
  ])
}
</section>
<section class="panel">
<h2>Commands</h2>
${table("commands", ["cmd", "per s", "requests", "mean", "longest"])}
</section>
<section class="panel">
<h2>Largest groups</h2>
${table("groups", ["name", "members"])}
</section>
</div>
</main>
<noscript>This page needs JavaScript; the same figures are at /stats.json.</noscript>`;
