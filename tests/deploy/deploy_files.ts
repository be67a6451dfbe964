// What lies in gateway/deploy, as the tests read it.

import { parse } from "npm:yaml@2.9.1";
import { pathOf } from "../helpers/paths.ts";

/** The folder. */
export const DEPLOY: string = pathOf("../../gateway/deploy");

/** The text of one of its files. */
export function deployText(name: string): string {
  return Deno.readTextFileSync(`${DEPLOY}/${name}`);
}

/** A panel of the board. */
export interface Panel {
  /** Its heading. */
  readonly title: string;
  /** `row` shows nothing itself. */
  readonly type: string;
  /** What it is about. */
  readonly description?: string;
  /** Where it is. */
  readonly gridPos: { x: number; y: number; w: number; h: number };
  /** What it asks. */
  readonly targets?: readonly { readonly expr: string }[];
}

/** The panels of the board that show something. */
export function panels(): Panel[] {
  const { panels } = JSON.parse(deployText("grafana.json"));
  return (panels as Panel[]).filter(({ type }) => type !== "row");
}

/** What a panel asks, as Grafana asks it of Prometheus for all gateways. */
export function queriesOf({ targets = [] }: Panel): string[] {
  return targets.map(({ expr }) =>
    expr.replaceAll("$instance", ".*").replaceAll("$__rate_interval", "1m")
  );
}

/** An alert. */
export interface Alert {
  /** What it is called. */
  readonly alert: string;
  /** When it comes. */
  readonly expr: string;
  /** How urgent it is, among others. */
  readonly labels: { readonly severity: string };
  /** What people are told. */
  readonly annotations: { readonly summary: string };
}

/** All alerts. */
export function alerts(): Alert[] {
  return parse(deployText("alerts.yml")).groups[0].rules;
}
