// Package simulator is WeChat on localhost: the pages and the API that an official account's web login needs, for
// building and testing H5 apps without an account, a public domain or a network.
//
// A Simulator is an http.Handler that stands in for all of WeChat's hosts: below one base URL it answers the real
// paths, /connect/oauth2/authorize of open.weixin.qq.com as well as /sns/oauth2/access_token of api.weixin.qq.com.
// An app under test needs one change, the base URL:
//
//	sim, err := simulator.New(simulator.Config{})
//	…
//	http.ListenAndServe("127.0.0.1:9002", sim)
//
// It is strict: what WeChat refuses is refused, with WeChat's words and codes, and its pages add in Chinese and English
// what to change. It can also misbehave, see [Fault], and keeps a journal of what it was asked, see [Call]. Everything
// is in memory and bounded; nothing is kept over a restart.
//
// GET /simulator/ is a page that shows the accounts, the people and the control calls. It shows the app secrets, and
// whoever reaches it can control the simulator: listen on a loopback address, and never give it a real secret.
//
// Where WeChat's documentation and developers' experience contradict each other, the default is the documentation and
// the other behaviour is one of the [Quirks].
//
// What it can't tell: whether #wechat_redirect ended the authorize URL (a browser keeps fragments to itself), and
// whether HTTPS would have worked.
package simulator
