package weixin

import (
	"context"
	"fmt"
	"strings"
)

// Follower is what an official account knows of a person who follows it.
type Follower struct {
	Subscribed bool
	UnionID    string // "" where the account is not bound to an Open Platform account, or WeChat does not say
}

// Follower asks whether a person follows an official account; token is the account's server token. Nicknames and
// pictures WeChat tells no more here
// (https://developers.weixin.qq.com/doc/service/api/usermanage/userinfo/api_userinfo).
func (c *Client) Follower(ctx context.Context, token, openID string) (Follower, error) {
	q := query{}.
		with("access_token", token).
		with("openid", openID).
		with("lang", "zh_CN")
	var answer struct {
		Subscribe number `json:"subscribe"`
		OpenID    string `json:"openid"`
		UnionID   string `json:"unionid"`
	}
	if err := c.getRepeatable(ctx, "/cgi-bin/user/info", q, &answer); err != nil {
		return Follower{}, withoutSecrets(err, token, openID)
	}
	// WeChat's own example has a blank in front of the unionid.
	f := Follower{Subscribed: answer.Subscribe == 1, UnionID: strings.TrimSpace(answer.UnionID)}
	if answer.OpenID != openID {
		return Follower{}, fmt.Errorf("%w: somebody else than who was asked for", ErrUnreadable)
	}
	if err := checkIDs("a follower", openID, f.UnionID); err != nil {
		return Follower{}, err
	}
	return f, nil
}
