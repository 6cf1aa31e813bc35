import { api, me } from "/login.js";

const element = (id) => document.getElementById(id);

// 一个页面的路由在 # 后面，另一个在路径里。
// One page has its routes behind #, the other in the path.
const inPath = location.pathname.startsWith("/shop/");
const route = () => (inPath ? location.pathname.slice("/shop".length) : location.hash.slice(1));
const order = () => route().match(/^\/orders\/(\d+)$/)?.[1];

async function showOrder() {
  element("order").textContent = "";
  element("confirm").hidden = true;
  if (!order()) return;
  const { order: number, user } = await json(`/api/orders/${order()}`);
  element("order").textContent = `订单 order ${number}: ${user}`;
  element("confirm").hidden = false;
}

async function confirmOrder() {
  const { confirmed } = await json(`/api/orders/${order()}/confirm`, { method: "POST" });
  element("order").textContent = `已确认收货 confirmed: ${confirmed}`;
}

async function showNickname() {
  const { nickname } = await json("/api/nickname");
  element("who").textContent = decodeURIComponent(nickname);
}

async function json(path, options) {
  const response = await api(path, options);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

// 会话到期时再问一次，此后的第一个请求会去登录。
// Asks once more when the session ends; the next request to the API will lead to a login.
let end;
async function showWho() {
  clearTimeout(end);
  const person = await me();
  element("who").textContent = person ? person.nickname || person.id : "没有人 nobody";
  element("until").textContent = person ? new Date(person.expires_at).toLocaleString() : "";
  if (person) end = setTimeout(doing(showWho), Math.min(person.millisecondsLeft + 1000, 2 ** 31 - 1));
}

// doing 让一个动作的错误显示在页面上。
// doing makes the page show what goes wrong with an action.
const doing = (action) => async () => {
  element("problem").hidden = true;
  try {
    await action();
  } catch (error) {
    element("reason").textContent = error.message;
    element("problem").hidden = false;
  }
};

element("confirm").addEventListener("click", doing(confirmOrder));
element("ask").addEventListener("click", doing(showNickname));
element("again").addEventListener("click", () => location.reload());
addEventListener(inPath ? "popstate" : "hashchange", doing(showOrder));
if (inPath) {
  element("routes").addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="/shop/"]');
    if (!link) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    doing(showOrder)();
  });
}

doing(async () => {
  await showWho();
  await showOrder();
})();
