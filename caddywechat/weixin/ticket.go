package weixin

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Ticket signs pages for WeChat's JS-SDK. Like the [ServerToken] with which it is asked for, it is shared by all
// instances, and there should be one of a kind for an account in a process.
type Ticket struct {
	app    App
	ticket *sharedCredential
	now    func() time.Time
}

// PageTicket returns the ticket for wx.config, of an official account or a WeCom app.
func (t *ServerToken) PageTicket() *Ticket {
	if t.wecom {
		return t.newTicket("page ticket", t.client.weComPageTicket)
	}
	return t.newTicket("page ticket", t.client.pageTicket)
}

// AgentTicket returns the ticket for WeCom's wx.agentConfig, of a WeCom app only.
func (t *ServerToken) AgentTicket() *Ticket {
	return t.newTicket("agent ticket", t.client.weComAgentTicket)
}

func (t *ServerToken) newTicket(
	kind string, ask func(ctx context.Context, token string) (string, time.Duration, error),
) *Ticket {
	k := &Ticket{app: t.app, now: t.client.now}
	k.ticket = newShared(t, kind, 2*t.limit()) // for a token, too
	k.ticket.ask = func(ctx context.Context) (ticket string, ttl time.Duration, err error) {
		err = t.Do(ctx, func(token string) error {
			ticket, ttl, err = ask(ctx, token)
			return err
		})
		return ticket, ttl, err
	}
	return k
}

// Signature is what a page hands to wx.config, or to wx.agentConfig with the agent id.
type Signature struct {
	AppID     string `json:"appId"`
	Timestamp int64  `json:"timestamp"` // in Unix seconds
	Nonce     string `json:"nonceStr"`
	Signature string `json:"signature"`
}

// Sign signs the page at an URL, which is the page's own as its browser has it; a fragment is left out. Which pages may
// have that is for the caller to say. An error is that of [ServerToken.Do].
func (k *Ticket) Sign(ctx context.Context, page string) (Signature, error) {
	ticket, err := k.ticket.get(ctx)
	if err != nil {
		return Signature{}, fmt.Errorf("no ticket to sign with: %w", err)
	}
	s := Signature{AppID: k.app.ID, Timestamp: k.now().Unix(), Nonce: rand.Text()}
	s.Signature = sign(ticket, s.Nonce, s.Timestamp, page)
	return s, nil
}

// sign is the algorithm of the JS-SDK, which is WeCom's, too
// (https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html, appendix 1).
func sign(ticket, nonce string, timestamp int64, page string) string {
	page, _, _ = strings.Cut(page, "#")
	sum := sha1.Sum([]byte("jsapi_ticket=" + ticket + "&noncestr=" + nonce +
		"&timestamp=" + strconv.FormatInt(timestamp, 10) + "&url=" + page))
	return hex.EncodeToString(sum[:])
}

// pageTicket asks for the ticket of an official account.
func (c *Client) pageTicket(ctx context.Context, token string) (string, time.Duration, error) {
	q := query{}.
		with("access_token", token).
		with("type", "jsapi")
	var answer credentialAnswer
	if err := c.getRepeatable(ctx, "/cgi-bin/ticket/getticket", q, &answer); err != nil {
		return "", 0, withoutSecrets(err, token)
	}
	return granted(answer.Ticket, answer.ExpiresIn)
}

// weComPageTicket asks for the ticket of a corp. It and the next:
// https://developer.work.weixin.qq.com/document/path/90506.
func (c *Client) weComPageTicket(ctx context.Context, token string) (string, time.Duration, error) {
	return c.weComTicket(ctx, "/cgi-bin/get_jsapi_ticket", token, query{})
}

// weComAgentTicket asks for the ticket of a WeCom app.
func (c *Client) weComAgentTicket(ctx context.Context, token string) (string, time.Duration, error) {
	return c.weComTicket(ctx, "/cgi-bin/ticket/get", token, query{}.with("type", "agent_config"))
}

func (c *Client) weComTicket(ctx context.Context, path, token string, q query) (string, time.Duration, error) {
	var answer credentialAnswer
	if err := c.getFromWeCom(ctx, path, q.with("access_token", token), &answer); err != nil {
		return "", 0, withoutSecrets(err, token)
	}
	return granted(answer.Ticket, answer.ExpiresIn)
}
