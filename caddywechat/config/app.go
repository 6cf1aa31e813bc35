package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// credentials are the two values by which a kind of account is an app: an id and a secret.
type credentials struct {
	usage          string // what the kind takes, after its name
	id, secret     string // the options' names
	checkID        Check
	secretLength   int // of those that are given out today; another one is worth a warning
	warnOfLength   string
	warnOfMistakes func(logger *zap.Logger, id string)
}

var (
	appCredentials = credentials{
		usage: "takes an app id and an app secret: %s <app_id> <app_secret>",
		id:    "app_id", secret: "app_secret", checkID: AppID,
		secretLength: secretLength, warnOfLength: "app_secret does not have 32 characters, as WeChat's have",
		warnOfMistakes: warnOfAppID,
	}
	corpCredentials = credentials{
		usage: "takes a corp id and a secret: %s <corp_id> <secret>",
		id:    "corp_id", secret: "secret", checkID: CorpID,
		secretLength: 43, warnOfLength: "secret does not have 43 characters, as those of WeCom's apps have",
		warnOfMistakes: func(*zap.Logger, string) {},
	}
)

// App reads the app id and the app secret after the kind of account that d comes to next, such as
// `official_account <app_id> <app_secret>`. The block of options is left to the caller.
func App(d *caddyfile.Dispenser, appID *string, appSecret *Secret) error {
	return appCredentials.read(d, appID, appSecret)
}

// Corp is [App] for the corp id and the secret of a WeCom app.
func Corp(d *caddyfile.Dispenser, corpID *string, secret *Secret) error {
	return corpCredentials.read(d, corpID, secret)
}

// ResolveApp returns the app of an account from its app_id and app_secret, resolved and checked. It warns of values
// that WeChat gives to nobody, which is no error: others' platforms have others.
func ResolveApp(logger *zap.Logger, appID string, appSecret Secret) (weixin.App, error) {
	return appCredentials.resolve(logger, appID, appSecret)
}

// ResolveCorp is [ResolveApp] for the corp_id and the secret of a WeCom app.
func ResolveCorp(logger *zap.Logger, corpID string, secret Secret) (weixin.App, error) {
	return corpCredentials.resolve(logger, corpID, secret)
}

func (c credentials) read(d *caddyfile.Dispenser, id *string, secret *Secret) error {
	d.Next()
	kind := d.Val()
	usage := kind + " " + fmt.Sprintf(c.usage, kind)
	switch values := d.RemainingArgs(); len(values) {
	case 0, 1:
		return Missing(d, usage)
	case 2:
		*id, *secret = values[0], NewSecret(values[1])
	default:
		return d.Err(usage)
	}
	if err := Literal(d, c.id, *id, c.checkID); err != nil {
		return err
	}
	return Literal(d, c.secret, secret.reveal(), AppSecret)
}

func (c credentials) resolve(logger *zap.Logger, id string, raw Secret) (weixin.App, error) {
	id, err := Resolve(c.id, id, c.checkID)
	if err != nil {
		return weixin.App{}, err
	}
	secret, err := Resolve(c.secret, raw.reveal(), AppSecret)
	if err != nil {
		return weixin.App{}, err
	}
	c.warnOfMistakes(logger, id)
	if len(secret) != c.secretLength {
		logger.Warn(c.warnOfLength, zap.Int("length", len(secret)))
	}
	return weixin.App{ID: id, Auth: weixin.Secret(secret)}, nil
}

// secretLength is what the secrets of WeChat's apps are long.
const secretLength = 32

// appIDShape is what WeChat's app ids look like.
var appIDShape = regexp.MustCompile(`^wx[0-9a-f]{16}$`)

func warnOfAppID(logger *zap.Logger, id string) {
	switch {
	case strings.HasPrefix(id, "gh_"):
		logger.Warn("app_id is the account's original id (原始ID): write the AppID, wx and 16 hex digits",
			zap.String("app_id", id))
	case !appIDShape.MatchString(id) && len(id) == secretLength:
		logger.Warn("app_id is as long as an app secret: the two may be swapped")
	case !appIDShape.MatchString(id):
		logger.Warn("app_id is not wx and 16 hex digits, as WeChat's are", zap.String("app_id", id))
	}
}
