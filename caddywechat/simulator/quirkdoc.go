package simulator

import (
	"encoding/json"
	"slices"
	"strings"
)

// quirkDocs are what the page says of the quirks.
var quirkDocs = []quirkGroup{
	{ZH: "浏览器和用户", EN: "Browsers and people", Quirks: []quirkDoc{
		boolDoc("any_browser",
			"任何浏览器都能打开授权页；关闭时只接受 User-Agent 里有 MicroMessenger 的。",
			"Every browser may open the authorize page; otherwise only those with MicroMessenger in their User-Agent."),
		boolDoc("choose",
			"静默授权（snsapi_base）也显示选人页面，便于演示。",
			"Silent logins (snsapi_base) ask who it is, too. For demonstrations."),
		boolDoc("nasty_people",
			"页面上显示难缠的用户：表情、换行、标记、占位符、512 个字的昵称，没有头像，全空。",
			"Shows the nasty people: emoji, line breaks, markup, placeholders, 512 characters, no avatar, "+
				"everything empty."),
	}},
	{ZH: "授权页和回调", EN: "Authorize page and callback", Quirks: []quirkDoc{
		boolDoc("any_order",
			"不检查授权链接和扫码登录链接的参数顺序。",
			"Takes the parameters of the authorize URL, and of the QR login's, in any order."),
		boolDoc("state_optional",
			"允许没有 state；关闭时报错 10013，扫码登录也拒绝。",
			"A state may be missing; otherwise that is page error 10013, and QR logins are refused, too."),
		boolDoc("deny_redirects",
			"用户拒绝后带着 state 回调；关闭时页面关闭，没有回调。扫码登录被拒绝时总是带着 state 回调。",
			"Who refuses is sent back, with state only; otherwise the page closes and nothing comes back. "+
				"Who refuses a QR login is always sent back."),
		boolDoc("snapshot_pages",
			"所有 snsapi_userinfo 都以快照页打开，拿到的是虚拟用户。",
			"Opens every snsapi_userinfo login as a snapshot page, with a virtual person."),
		durationDoc("duplicate_callback",
			"多久以后由模拟器再请求一次回调地址，不带 cookie，就像来自另一个 IP；0s 为不请求。只发往本机和内网地址。",
			"After this time the simulator requests the callback a second time, without cookies, "+
				"as if from another IP; 0s: never. Only loopback and private addresses.",
			"0s", "100ms", "2s"),
	}},
	{ZH: "接口", EN: "API", Quirks: []quirkDoc{
		durationDoc("code_life",
			"code 的有效期：服务号文档说 5 分钟，网站应用文档说 10 分钟。",
			"How long a code lives: official accounts' documentation says 5 minutes, that of websites 10.",
			"5m", "10m"),
		durationDoc("refresh_life",
			"refresh_token 的有效期：30 天，移动应用是 180 天。",
			"How long a refresh token lives: 30 days, with mobile apps 180.",
			"720h", "4320h"),
		boolDoc("json_success",
			"成功时的 Content-Type 也是 application/json; encoding=utf-8；关闭时是没有 charset 的 text/plain。",
			"Success comes as application/json; encoding=utf-8, as errors do; otherwise as text/plain without "+
				"charset."),
		enumDoc("errmsg",
			"errmsg 的结尾：“, rid: …”、“ rid: …”或“, hints: [ req_id: … ]”。不要比较 errmsg。",
			"How errmsg ends: “, rid: …”, “ rid: …” or “, hints: [ req_id: … ]”. Never compare an errmsg.",
			errmsgStyles),
		enumDoc("unionid",
			"哪里有 unionid：按文档（userinfo 和扫码登录的 token，用户信息）、只在用户信息、总有、空字符串、从不。未绑定开放平台的公众号永远没有。",
			"Where the unionid is: as documented (the token of userinfo and of QR logins, and the profile), "+
				"only in the profile, always, empty, never. Without an Open Platform there is none.",
			unionIDRules),
		boolDoc("no_snapshot_flag",
			"快照页的 token 里没有 is_snapshotuser。",
			"Tokens from snapshot pages lack is_snapshotuser."),
		boolDoc("keep_session_key",
			"小程序的 wx.login 不更换 session_key；关闭时每次都更换，旧的立即失效。",
			"wx.login in a mini-program keeps the session_key; otherwise each replaces it, "+
				"and the former one is over at once."),
		boolDoc("country_code_number",
			"手机号的 countryCode 是数字 86；关闭时是字符串 \"86\"。",
			"countryCode of a phone number is the number 86; otherwise the string \"86\"."),
		boolDoc("sex_string",
			"sex 是字符串 \"0\"；关闭时是数字 0。",
			"sex is the string \"0\"; otherwise the number 0."),
		boolDoc("raw_controls",
			"昵称里的控制字符不转义，JSON 因此无效。",
			"Control characters in a nickname are not escaped, which makes the JSON invalid."),
	}},
}

func boolDoc(name, zh, en string) quirkDoc {
	return quirkDoc{name, []quirkValue{
		{Label: "false", Change: `{"` + name + `":false}`},
		{Label: "true", Change: `{"` + name + `":true}`},
	}, zh, en}
}

func durationDoc(name, zh, en string, usual ...string) quirkDoc {
	return enumDoc(name, zh, en, usual)
}

func enumDoc[T ~string](name, zh, en string, possible []T) quirkDoc {
	doc := quirkDoc{Name: name, ZH: zh, EN: en}
	for _, value := range possible {
		change := `{"` + name + `":"` + string(value) + `"}`
		doc.Values = append(doc.Values, quirkValue{Label: string(value), Change: change})
	}
	return doc
}

// quirkGroup is a heading of the page, and the quirks below it.
type quirkGroup struct {
	ZH, EN string
	Quirks []quirkDoc
}

// quirkDoc explains a quirk.
type quirkDoc struct {
	Name   string
	Values []quirkValue // for a length of time the usual ones, for others all; the first is the default
	ZH, EN string
}

// quirkValue is a button of the page.
type quirkValue struct {
	Label   string
	Change  string // the body of PATCH /simulator/quirks
	Current bool
}

// quirkGroups returns the groups with the values that the quirks have now.
func (s *Simulator) quirkGroups() []quirkGroup {
	encoded, err := json.Marshal(s.Quirks().json())
	if err != nil {
		panic(err) // only our own types come here
	}
	var current map[string]json.RawMessage
	if err := json.Unmarshal(encoded, &current); err != nil {
		panic(err)
	}
	var groups []quirkGroup
	for _, group := range quirkDocs {
		group.Quirks = slices.Clone(group.Quirks)
		for i, doc := range group.Quirks {
			group.Quirks[i].Values = doc.valuesNow(string(current[doc.Name]))
		}
		groups = append(groups, group)
	}
	return groups
}

// valuesNow flags the current value, and adds it where it is an unusual one.
func (n quirkDoc) valuesNow(current string) []quirkValue {
	label := strings.Trim(current, `"`)
	var values []quirkValue
	known := false
	for _, value := range n.Values {
		value.Current = value.Label == label
		known = known || value.Current
		values = append(values, value)
	}
	if !known {
		values = append(values, quirkValue{label, `{"` + n.Name + `":` + current + `}`, true})
	}
	return values
}
