package simulator

import "net/url"

// grant is what a person allowed an app to know.
type grant struct {
	account  account
	person   Person
	scope    string
	snapshot bool // given on a snapshot page, to a virtual person

	weCom    *WeComApp // nil: it is no login in WeCom
	redirect *url.URL  // where the code went, in WeCom
}

func (g grant) openID() string {
	return OpenID(g.account.AppID, g.person.ID)
}

func (g grant) unionID() string {
	if g.snapshot {
		return UnionID(g.account.OpenPlatform, "everyone on snapshot pages")
	}
	return UnionID(g.account.OpenPlatform, g.person.ID)
}
