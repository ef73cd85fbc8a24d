// What the shop does in the browser, and what it tells the tracker about it. The cart is the
// shop's own and lives in this browser; the tracker stores nothing.
"use strict";

const currency = document.body.dataset.currency;
const money = new Intl.NumberFormat("en", { style: "currency", currency });
const byId = (id) => document.getElementById(id);

function track(name, params) {
  // The tracker replaces this queue when it loads; if a blocker keeps it out, the shop still works.
  if (!window.tidemark) {
    window.tidemark = function () {
      (window.tidemark.q = window.tidemark.q || []).push(arguments);
    };
  }
  window.tidemark("event", name, params);
}

function readCart() {
  try {
    return JSON.parse(localStorage.getItem("saltmarsh-cart")) || [];
  } catch {
    return [];
  }
}

function writeCart(lines) {
  localStorage.setItem("saltmarsh-cart", JSON.stringify(lines));
  showCount();
}

function showCount() {
  byId("cart-count").textContent = readCart().reduce((sum, line) => sum + line.quantity, 0);
}

const total = (lines) => lines.reduce((sum, line) => sum + line.cents * line.quantity, 0);

// The facts of an order as analytics names them. Money is a decimal number of the currency.
function facts(lines) {
  return {
    currency,
    value: total(lines) / 100,
    items: lines.map((line) => ({
      item_id: line.id,
      item_name: line.name,
      item_category: line.category,
      price: line.cents / 100,
      quantity: line.quantity,
    })),
  };
}

function element(tag, props, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
}

function cartTable(lines, change) {
  const rows = lines.map((line, i) => {
    const row = element("tr", {},
      element("td", {}, element("a", { href: "/demo/p/" + line.id }, line.name)),
      element("td", { className: "num" }, String(line.quantity)),
      element("td", { className: "num" }, money.format((line.cents * line.quantity) / 100)));
    if (change) {
      const remove = element("button", { type: "button", onclick: () => change(i) }, "Remove");
      row.append(element("td", { className: "num" }, remove));
    }
    return row;
  });
  const head = ["Item", "Quantity", "Price"].map((text, i) =>
    element("th", { scope: "col", className: i ? "num" : "" }, text));
  if (change) head.push(element("td", {}));
  const sum = element("tr", {},
    element("th", { scope: "row", colSpan: 2 }, "Total"),
    element("td", { className: "num", id: "total" }, money.format(total(lines) / 100)));
  return element("table", {}, element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows), element("tfoot", {}, sum));
}

function productPage() {
  const data = byId("product").dataset;
  const line = {
    id: data.id, name: data.name, category: data.category, cents: Number(data.cents), quantity: 1,
  };
  track("view_item", facts([line]));
  byId("add").addEventListener("click", () => {
    const lines = readCart();
    const same = lines.find((other) => other.id === line.id);
    if (same) same.quantity++;
    else lines.push(line);
    writeCart(lines);
    track("add_to_cart", facts([line]));
    byId("added").textContent = "In your cart.";
  });
}

function cartPage() {
  const empty = byId("cart").firstElementChild;
  const show = () => {
    const lines = readCart();
    if (!lines.length) return byId("cart").replaceChildren(empty);
    const remove = (i) => {
      writeCart(lines.filter((_, j) => j !== i));
      track("remove_from_cart", facts([lines[i]]));
      show();
    };
    byId("cart").replaceChildren(cartTable(lines, remove),
      element("a", { className: "button", id: "to-checkout", href: "/demo/checkout" }, "Check out"));
  };
  show();
}

function checkoutPage() {
  const lines = readCart();
  if (!lines.length) {
    byId("checkout").hidden = true;
    byId("summary").replaceChildren(element("p", {}, "Your cart is empty."));
    return;
  }
  byId("summary").replaceChildren(cartTable(lines));
  track("begin_checkout", facts(lines));
  byId("checkout").addEventListener("submit", () => {
    const id = "SM-" + crypto.getRandomValues(new Uint32Array(1))[0].toString(36).toUpperCase();
    sessionStorage.setItem("saltmarsh-order", JSON.stringify({ id, lines }));
    writeCart([]);
  });
}

// The order is taken out when it is shown, so that a reload is not a second purchase.
function thanksPage() {
  const order = JSON.parse(sessionStorage.getItem("saltmarsh-order") || "null");
  sessionStorage.removeItem("saltmarsh-order");
  if (!order) return;
  track("purchase", { transaction_id: order.id, ...facts(order.lines) });
  byId("order").textContent = `Order ${order.id}, ${money.format(total(order.lines) / 100)}. ` +
    "It will be counted before you reach the dashboard.";
}

// The guide is a small single-page application: chapters change without a page load.
function guidePage() {
  const links = [...byId("chapters").querySelectorAll("a")];
  const show = (link) => {
    for (const other of links) {
      if (other === link) other.setAttribute("aria-current", "page");
      else other.removeAttribute("aria-current");
    }
    byId("chapter").replaceChildren(element("h2", {}, link.dataset.name),
      element("p", {}, link.dataset.text));
    document.title = link.dataset.name + " · Saltmarsh Supply";
  };
  byId("chapters").addEventListener("click", (e) => {
    const link = e.target.closest("a");
    if (!link || e.metaKey || e.ctrlKey || e.shiftKey) return;
    e.preventDefault();
    history.pushState(null, "", link.href);
    show(link);
  });
  addEventListener("popstate", () => {
    show(links.find((link) => link.pathname === location.pathname) || links[0]);
  });
}

function accountPage() {
  byId("account").addEventListener("submit", (e) => {
    e.preventDefault();
    track("sign_up", { method: "demo" });
    byId("signed-up").textContent = "Done. You are one of us.";
  });
}

showCount();
if (byId("product")) productPage();
if (byId("cart")) cartPage();
if (byId("checkout")) checkoutPage();
if (byId("order")) thanksPage();
if (byId("chapters")) guidePage();
if (byId("account")) accountPage();
