// Package simulator is WeChat on localhost: the pages and the API that the web login of an official account, the login
// of a website by QR code, and the logins of mini-programs and mobile apps need, for building and testing without an
// account, a public domain or a network. It knows nothing of Caddy, and the apps that it serves need not be written in
// Go.
//
// It owns what WeChat answers here, and the state behind it. The product itself never imports it: commands, the demo
// and tests do, of this repository and of others.
//
// A Simulator is an http.Handler that stands in for all of WeChat's hosts: below one base URL it answers the real
// paths, /connect/oauth2/authorize of open.weixin.qq.com as well as /sns/oauth2/access_token of api.weixin.qq.com.
// An app under test needs one change, the base URL:
//
//	sim, err := simulator.New(simulator.Config{})
//	…
//	http.ListenAndServe("127.0.0.1:9090", sim)
//
// It is strict: what WeChat refuses is refused, with WeChat's words and codes, and its pages add what to change. They
// speak the visitor's language: simplified or traditional Chinese, or English. What is the simulator's own on them, and
// not WeChat's, has its colour. Everything is in memory and bounded; nothing is kept over a restart.
//
// # Login by QR code
//
// A website sends its visitor to /connect/qrconnect. The page there shows a QR code of /connect/confirm?uuid=…, which a
// phone opens to allow or refuse; a link below the code does so without a phone. The page hears of the answer by a long
// poll of /connect/l/qrconnect, and redirects to the website with a code, or with state only after a refusal. Codes are
// exchanged as an official account's are.
//
// A test needs neither browser nor phone: it gets the page, takes the uuid from the address of the picture, which is
// /connect/qrcode/ and the uuid, posts uuid, answer (allow or deny) and, if it likes, person to /connect/confirm, and
// polls once: the answer is "window.wx_errcode=405;window.wx_code='…';" with the code, or 403 without. A poll before
// that is held, up to 25 seconds, and answers 408; 404 says that the phone has opened its page, and is held back from a
// poll with last=404. 402 is final: each uuid is answered once, gives its code once, and expires after 5 minutes.
//
// # Mini-programs and mobile apps
//
// There is no WeChat app here, so what it does for a program is asked for: [Simulator.MiniProgramLogin] is wx.login,
// [Simulator.MiniProgramPhone] the button getPhoneNumber, [Simulator.MiniProgramUserInfo] wx.getUserInfo, and
// [Simulator.MobileAppLogin] the sendAuth of a mobile app; elsewhere the paths below. What a server does is WeChat's:
// /sns/jscode2session, /wxa/checksession, /wxa/business/getuserphonenumber, and for mobile apps
// /sns/oauth2/access_token. A person has one session_key in a mini-program, and each wx.login replaces it.
// [PhoneNumber] tells who has which number.
//
// # Login by WeCom
//
// A company's people come by the same authorize page, with a corp id for the app id, in WeCom's browser as in WeChat's;
// or, members only, by /wwlogin/sso/login, whose QR code works as that of websites. The app asks
// /cgi-bin/auth/getuserinfo whom a code stands for: a member, somebody whom the company knows or a stranger, as
// [Person].WeCom says.
//
// # In tests
//
// A test starts a simulator with net/http/httptest, as in the example below, and turns it while it runs:
//
//   - [Simulator.Hold] says who logs in. [Cast] are the people that it has of itself, [Nasty] those whose profiles apps
//     get wrong, and [Simulator.AddPerson] lets others join. [OpenID] and [UnionID] tell which ids the app should get.
//   - [Simulator.SetQuirks] chooses where WeChat's documentation and developers' experience contradict each other. The
//     default is the documentation. See [Quirks].
//   - [Simulator.Fault] makes a path fail: late, never, with an error code, with garbage, once or at a rate. See
//     [Fault].
//   - [Simulator.Calls] and [Simulator.Journal] tell what it was asked. See [Call].
//   - [Simulator.Reset] brings everything back to how it was started.
//
// Config.Now moves the clock on, so that codes and tokens expire without waiting.
//
// # In other languages
//
// The command "caddywechat wechat simulator" serves the simulator at http://127.0.0.1:9090. The same can be done there
// by HTTP, with JSON in both directions; what is wrong with a request is answered with 400 and {"error": "…"}:
//
//	POST   /simulator/reset        back to how it was started
//	PUT    /simulator/holder       {"person": "emma"}: who logs in
//	GET    /simulator/people       everybody, with their openids and unionids
//	POST   /simulator/people       {"id": "lily", "nickname": "Lily", "avatar": "L"}
//	DELETE /simulator/people/lily
//	PUT    /simulator/followers/wx…/lily      who follows an official account; DELETE undoes it
//	PATCH  /simulator/quirks       {"unionid": "profile"}; GET shows them, DELETE brings back those of the start
//	POST   /simulator/faults       {"path": "/sns/userinfo", "kind": "delay", "delay": "3s"}; GET lists, DELETE clears
//	POST   /simulator/mini_program/login      {"appid": "wx…", "person": "emma"}: a code; so do phone, and
//	                                          /simulator/mobile_app/login; user_info gives encrypted data
//	GET    /simulator/calls        ?path=/sns/userinfo&since=12&wait=2s: what it was asked; DELETE forgets
//	POST   /simulator/consent      what the buttons of the consent page send: authorize, answer, person
//	POST   /connect/confirm        what the buttons on the phone send after scanning: uuid, answer, person
//
// The page /simulator/ has all of this with examples, and buttons for most of it.
//
// # Limits
//
// The page /simulator/ shows the app secrets, and whoever reaches the simulator can control it and log in as anybody:
// listen on a loopback address, and never give it a real secret. Pages and control calls are there under addresses and
// loopback names only, and under those of [Config].Hosts, so that a stranger's page in the developer's browser does not
// reach it by a name of its own that resolves to this machine.
//
// What it can't tell: whether #wechat_redirect ended the authorize URL (a browser keeps fragments to itself), whether
// HTTPS would have worked, and whether what opened /connect/confirm was a phone. The QR page can't be embedded: there
// is no wxLogin.js and no quick login.
package simulator
