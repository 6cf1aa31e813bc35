package accounttest

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
)

func secrets(t testing.TB, f Fixture) {
	f.wantNothingShown(t)
	f.mustLogIn(t, false)
	f.wantNothingShown(t)
}

// wantNothingShown prints and logs the account in every way that there is.
func (f Fixture) wantNothingShown(t testing.TB) {
	t.Helper()
	f.wantNoSecret(t, "what names it", f.Account.Kind()+f.Account.AppID()+account.Ref(f.Account))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		f.wantNoSecret(t, verb, fmt.Sprintf(verb, f.Account))
		f.wantNoSecret(t, verb+" in a list", fmt.Sprintf(verb, []any{f.Account, struct{ a any }{f.Account}}))
	}
	// Lists of anything but objects are left out: zap writes them as JSON, which is the configuration.
	fields := []zap.Field{zap.Any("account", f.Account)}
	if o, ok := f.Account.(zapcore.ObjectMarshaler); ok {
		fields = append(fields, zap.Object("object", o), zap.Objects("objects", []zapcore.ObjectMarshaler{o}))
	}
	for _, field := range fields {
		for name, enc := range map[string]zapcore.Encoder{
			"JSON":    zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()),
			"console": zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()),
		} {
			line, err := enc.EncodeEntry(zapcore.Entry{}, []zap.Field{field})
			if err != nil {
				t.Fatal(err)
			}
			f.wantNoSecret(t, "a log line as "+name, line.String())
		}
	}
}

// wantNoSecret checks that a text shows no secret: none of the fixture's, and none of these.
func (f Fixture) wantNoSecret(t testing.TB, what, text string, more ...string) {
	t.Helper()
	folded := strings.ToLower(text)
	for _, secret := range append(more, f.Secrets...) {
		if secret != "" && (strings.Contains(text, secret) || strings.Contains(folded, fmt.Sprintf("%x", secret))) {
			t.Errorf("%s shows the secret %q: %s", what, secret, text)
		}
	}
}
