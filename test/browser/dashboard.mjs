// The dashboard as a member reads it: numbers are taken from the page, not from the API.
import { url } from "./settings.mjs";

export class DashboardPage {
  constructor(page) {
    this.page = page;
  }

  async logIn(email, password, path) {
    await this.page.goto(url + path);
    await this.page.waitForURL(url + "/login*");
    await this.page.getByLabel("Email").fill(email);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Log in" }).click();
    await this.page.waitForURL(url + path);
    await this.page.locator("[data-freshness]").waitFor();
  }

  /** The key figures as shown, by metric. */
  async figures() {
    const tiles = this.page.locator("button[data-metric]");
    return Object.fromEntries(
      await tiles.evaluateAll((list) =>
        list.map((tile) => [tile.dataset.metric, tile.querySelector(".value").textContent.trim()]),
      ),
    );
  }

  /** The rows of a panel as shown: name to the number of its first column. */
  async rows(dimension) {
    const rows = this.page.locator(`[data-panel="${dimension}"] tr[data-row]`);
    return Object.fromEntries(
      await rows.evaluateAll((list) =>
        list.map((row) => [row.dataset.row, row.querySelector("td").textContent.trim()]),
      ),
    );
  }

  tab(panel, name) {
    return this.page.getByRole("region", { name: panel }).getByRole("button", { name, exact: true }).click();
  }

  realtimeUsers() {
    return this.page.locator('[data-metric="realtimeUsers"]').innerText();
  }
}
