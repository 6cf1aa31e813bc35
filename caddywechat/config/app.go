package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
)

// App reads the app id and the app secret that stand behind the kind of account that d comes to next.
func App(d *caddyfile.Dispenser, appID, appSecret *string) error {
	d.Next()
	kind := d.Val()
	if err := Pair(d, appID, appSecret, fmt.Sprintf("%s takes an app id and an app secret: %[1]s <app_id> <app_secret>", kind)); err != nil {
		return err
	}
	if err := Literal(d, "app_id", *appID, AppID); err != nil {
		return err
	}
	return Literal(d, "app_secret", *appSecret, AppSecret)
}

// Pair reads the two values that stand behind the kind of account that d is at; usage is the error's text where there are
// more or fewer.
func Pair(d *caddyfile.Dispenser, id, secret *string, usage string) error {
	switch values := d.RemainingArgs(); len(values) {
	case 0, 1:
		return Missing(d, usage)
	case 2:
		*id, *secret = values[0], values[1]
		return nil
	default:
		return d.Err(usage)
	}
}

// ResolveApp returns the resolved and checked app id and app secret of an account. It warns of those that WeChat gives to
// nobody, which is no error: others' platforms have others.
func ResolveApp(logger *zap.Logger, appID, appSecret string) (id, secret string, err error) {
	if id, err = Resolve("app_id", appID, AppID); err != nil {
		return "", "", err
	}
	if secret, err = Resolve("app_secret", appSecret, AppSecret); err != nil {
		return "", "", err
	}
	warnOfMixUps(logger, id, secret)
	return id, secret, nil
}

// appIDShape is what WeChat's app ids look like, secretLength what their secrets are long.
var appIDShape = regexp.MustCompile(`^wx[0-9a-f]{16}$`)

const secretLength = 32

func warnOfMixUps(logger *zap.Logger, id, secret string) {
	switch {
	case strings.HasPrefix(id, "gh_"):
		logger.Warn("app_id is the account's original id (原始ID): write the AppID, wx and 16 hex digits", zap.String("app_id", id))
	case !appIDShape.MatchString(id) && len(id) == secretLength:
		logger.Warn("app_id is as long as an app secret: the two may be swapped")
	case !appIDShape.MatchString(id):
		logger.Warn("app_id is not wx and 16 hex digits, as WeChat's are", zap.String("app_id", id))
	}
	if len(secret) != secretLength {
		logger.Warn("app_secret does not have 32 characters, as WeChat's have", zap.Int("length", len(secret)))
	}
}
