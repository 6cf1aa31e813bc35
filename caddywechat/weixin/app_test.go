package weixin

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestApp_ShowsItsIDAndNoSecret(t *testing.T) {
	a := App{ID: appID, Auth: Secret(secret)}
	shown := make(map[string]string)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		shown[verb] = fmt.Sprintf(verb, a)
		shown["pointer "+verb] = fmt.Sprintf(verb, &a)
		shown["auth "+verb] = fmt.Sprintf(verb, a.Auth)
		shown["field "+verb] = fmt.Sprintf(verb, struct{ app App }{a})
		shown["list "+verb] = fmt.Sprintf(verb, []App{a})
	}
	encoded, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	shown["JSON"] = string(encoded)
	for name, enc := range map[string]zapcore.Encoder{
		"log in JSON":  zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()),
		"log for eyes": zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()),
	} {
		line, err := enc.EncodeEntry(zapcore.Entry{}, []zap.Field{
			zap.Any("app", a), zap.Any("pointer", &a), zap.Reflect("auth", a.Auth), zap.Any("any auth", a.Auth),
			zap.Stringer("text", a.Auth),
		})
		if err != nil {
			t.Fatal(err)
		}
		shown[name] = line.String()
	}
	for how, text := range shown {
		hex := fmt.Sprintf("%x", secret)
		if strings.Contains(text, secret) || strings.Contains(strings.ToLower(text), hex) {
			t.Errorf("%s shows the secret: %s", how, text)
		}
	}
	for _, how := range []string{"%v", "%+v", "JSON", "log in JSON"} {
		if !strings.Contains(shown[how], appID) {
			t.Errorf("%s does not show the id: %s", how, shown[how])
		}
	}
}

func TestAuth_EqualsOneOfTheSameSecretOnly(t *testing.T) {
	if Secret(secret) != Secret(strings.Clone(secret)) {
		t.Error("the same secret is another one")
	}
	if Secret(secret) == Secret("other") || Secret(secret) == (Auth{}) {
		t.Error("other secrets are the same")
	}
	if got := (Auth{}).text(); got != "" {
		t.Errorf("the zero value has the secret %q", got)
	}
}
