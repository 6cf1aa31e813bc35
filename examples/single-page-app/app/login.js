// 登录的事都在这个文件里，可以原样拿去用。
// All that has to do with the login. Take it as it is.

// api 和 fetch 一样；没有登录时先去微信，再回到现在这个页面和路由，此时它没有返回值可等。POST 不会自动重发。
// api is fetch, but where a login is missing it leads to WeChat and back to this very page and route, and is never
// done. It sends no POST a second time.
export async function api(path, options) {
  const response = await fetch(path, options);
  if (response.status !== 401) {
    cameBack = false;
    return response;
  }
  const problem = await response.clone().json().catch(() => ({}));
  if (!problem.login_url) return response; // 应用自己的 401。The app's own.
  if (cameBack) throw new Error("刚登录过，还是不行。Logged in just now, and still not let in.");
  leave(problem);
  return new Promise(() => {});
}

// me 返回登录的人，没有登录时为 null。millisecondsLeft 按服务器的钟算，因为手机的钟未必准。
// me returns who is logged in, null for nobody. millisecondsLeft goes by the server's clock, for a phone's may be wrong.
export async function me() {
  const response = await fetch("/_wechat/me");
  if (!response.ok) return null;
  const person = await response.json();
  const now = Date.parse(response.headers.get("Date")) || Date.now();
  person.millisecondsLeft = Date.parse(person.expires_at) - now;
  return person;
}

function leave(problem) {
  const login = new URL(problem.login_url, location.origin);
  // 服务器看不到 # 后面的部分，所以由页面写明回到哪里。没有 # 时补一个空的，否则会带着微信的 #wechat_redirect 回来。
  // A server never sees what stands behind #, so the page says where to come back to. Without one a bare # goes along,
  // or the address would come back with the #wechat_redirect of WeChat's.
  login.searchParams.set("return_to", location.pathname + location.search + (location.hash || "#"));
  try {
    sessionStorage.setItem(mark, "1");
  } catch {
    // 浏览器什么都不让存，cookie 也一样；wechat_auth 自己会停下没完没了的登录。
    // A browser that keeps nothing, no cookies either: wechat_auth ends such a loop by itself.
  }
  // 静默登录不该在历史里多留一页；要资料时有页面问人，返回键应回到这里。
  // A silent login leaves no page in the history. That for the profile asks people, and Back should lead here.
  if (problem.error === "profile_required") location.assign(login);
  else location.replace(login);
}

// 刚从登录回来的页面不再自动去登录，否则可能没完没了；刷新页面可以再试。
// A page that just came back from a login leaves for no other by itself, or it might go round for ever. A reload does.
const mark = "left for login";
let cameBack = takeMark();

function takeMark() {
  try {
    const found = sessionStorage.getItem(mark) !== null;
    sessionStorage.removeItem(mark);
    return found;
  } catch {
    return false;
  }
}
