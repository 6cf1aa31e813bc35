package identity

// Presets are the sets of headers that a site can choose.
const (
	PresetDefault    = "default"     // X-Wechat-…, every field
	PresetWxCloud    = "wxcloud"     // what WeChat's own cloud hosting gives to apps
	PresetRemoteUser = "remote_user" // what web servers call a person who logged in
	PresetNone       = "none"        // nothing but what is named
)

// preset is a set of headers that a site can choose.
type preset struct {
	headers []Header // those of "default" follow from the fields, by a rule
	// prefix begins names that all belong to whom the preset stands in for. It is reserved where the preset is chosen:
	// other sites' apps may have headers of their own that begin so.
	prefix string
}

// presets is all that there is to say of a preset: what it sets is reserved by itself, on every site.
var presets = map[string]preset{
	PresetDefault: {},
	PresetWxCloud: {prefix: "x-wx-", headers: []Header{
		{OpenID, "X-Wx-Openid"}, {UnionID, "X-Wx-Unionid"}, {AppID, "X-Wx-Appid"}, {source, "X-Wx-Source"},
	}},
	PresetRemoteUser: {headers: []Header{{ID, "Remote-User"}, {Nickname, "Remote-Name"}}},
	PresetNone:       {},
}

// source is the field of a header whose value says where the request came from: for all of ours, a WeChat client.
const source, sourceValue = "", "wx_client"
