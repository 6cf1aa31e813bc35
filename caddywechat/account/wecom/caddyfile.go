package wecom

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/caddywechat/caddy-wechat/caddywechat/config"
)

// UnmarshalCaddyfile reads
//
//	wecom <corp_id> <secret> {
//		agent_id <id>
//		scope    snsapi_base|snsapi_privateinfo
//		allow_external
//	}
func (a *Account) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if err := config.Corp(d, &a.CorpIDRaw, &a.SecretRaw); err != nil {
		return err
	}
	for d.NextBlock(0) {
		if err := a.unmarshalOption(d); err != nil {
			return err
		}
	}
	if a.AgentIDRaw == "" {
		return d.WrapErr(errNoAgentID)
	}
	return nil
}

func (a *Account) unmarshalOption(d *caddyfile.Dispenser) error {
	switch option := d.Val(); option {
	case "agent_id":
		return config.Single(d, &a.AgentIDRaw, config.AgentID)
	case "scope":
		return config.Single(d, &a.Scope, scopes)
	case "allow_external":
		if a.AllowExternal {
			return d.Errf("allow_external is given twice: remove one")
		}
		a.AllowExternal = true
		if d.CountRemainingArgs() > 0 {
			return d.Errf("allow_external takes no value")
		}
		return nil
	default:
		return d.Errf("wecom has no option %q: it takes agent_id, scope, allow_external", option)
	}
}

// MarshalLogObject keeps the secret out of logs.
func (a *Account) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("corp_id", a.CorpIDRaw)
	enc.AddString("secret", "REDACTED")
	enc.AddString("agent_id", a.AgentIDRaw)
	enc.AddString("scope", a.Scope)
	enc.AddBool("allow_external", a.AllowExternal)
	return nil
}

// Interface guards
var (
	_ caddyfile.Unmarshaler   = (*Account)(nil)
	_ zapcore.ObjectMarshaler = (*Account)(nil)
)
