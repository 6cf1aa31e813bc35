package config

import (
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

func TestResolveApp_WarnsOfWhatMayBeMixedUp(t *testing.T) {
	const id, secret = "wx0123456789abcdef", "5ec2e75ec2e75ec2e75ec2e75ec2e75e"
	for name, tt := range map[string]struct{ id, secret, want string }{
		"as WeChat's": {id, secret, ""},
		"original id": {"gh_0123456789ab", secret, "原始ID"},
		"swapped":     {secret, secret, "swapped"},
		"another id":  {"app", secret, "app_id is not"},
		"long secret": {id, secret + "5e", "app_secret does not have 32"},
	} {
		core, logs := observer.New(zap.WarnLevel)
		app, err := ResolveApp(zap.New(core), tt.id, NewSecret(tt.secret))
		if err != nil || app != (weixin.App{ID: tt.id, Auth: weixin.Secret(tt.secret)}) {
			t.Errorf("%s: got %v, %v", name, app, err)
		}
		var said strings.Builder
		for _, entry := range logs.All() {
			said.WriteString(entry.Message + "\n")
			for _, field := range entry.Context {
				said.WriteString(field.String + "\n")
			}
		}
		if !strings.Contains(said.String(), tt.want) || tt.want == "" && said.Len() > 0 ||
			strings.Contains(said.String(), secret) {
			t.Errorf("%s: it says %q", name, said.String())
		}
	}
}
