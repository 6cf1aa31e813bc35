package weixin

import (
	"crypto/aes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

// forgedIV returns the iv with which the sample's first block opens as other 16 bytes: whoever knows the text of a
// block can write another one by the iv alone, without the key.
func forgedIV(first string) string {
	iv, err := base64.StdEncoding.DecodeString(sampleIV)
	if err != nil {
		panic(err)
	}
	for i := range iv {
		iv[i] ^= sampleText[i] ^ first[i]
	}
	return base64.StdEncoding.EncodeToString(iv)
}

func TestDecrypt_MakesNobodyElseByAChangedIV(t *testing.T) {
	for _, first := range []string{
		`{"openId":"oEVIL`, `{"OPENID":"oEVIL`, `{"open_id":"oEVI`, `{"\u006fpenId":"`, ` {"openId":"oEVI`,
		`{"unionId":"oEVI`,
	} {
		if len(first) != aes.BlockSize {
			t.Fatalf("%q has %d bytes", first, len(first))
		}
		if got, err := sampleSession.Decrypt(sampleAppID, sampleData, forgedIV(first)); !errors.Is(err, ErrNotOpened) {
			t.Errorf("%s: got %.60s, %v", first, got, err)
		}
	}
	// What it is all about: an untouched text, and one whose first block is what it was.
	if _, err := sampleSession.Decrypt(sampleAppID, sampleData, forgedIV(sampleText[:aes.BlockSize])); err != nil {
		t.Error(err)
	}
}

func TestDecrypt_OpensTextsThatNameThePersonOnly(t *testing.T) {
	const self, elsewhere = "oGZUI0egBJY1zhBYw2KhdUfwVJJE", "ocMvos6NjeKLIBqg5Mr9QjxrP1FA"
	for name, tt := range map[string]struct {
		members string
		opens   bool
	}{
		"nobody":                    {``, true},
		"the person":                {`"openId":"` + self + `",`, true},
		"the person everywhere":     {`"unionId":"` + elsewhere + `",`, true},
		"in an app's own spelling":  {`"openid":"` + self + `",`, true},
		"by an escaped name":        {`"\u006fpenId":"` + self + `",`, true},
		"in a list":                 {`"of":[{"openId":"` + self + `"}],`, true},
		"a group":                   {`"openGId":"tGROUP","group_openid":"x",`, true},
		"other equal names apart":   {`"a":{"x":1},"b":{"x":1},`, true},
		"somebody else":             {`"openId":"oEVIL",`, false},
		"somebody else everywhere":  {`"unionId":"oEVIL",`, false},
		"no text":                   {`"openId":7,`, false},
		"null":                      {`"openId":null,`, false},
		"a list of people":          {`"openId":["` + self + `"],`, false},
		"an object":                 {`"openId":{"` + self + `":1},`, false},
		"an empty one":              {`"openId":"",`, false},
		"with a blank":              {`"openId":"` + self + ` ",`, false},
		"the same in another case":  {`"openId":"` + strings.ToLower(self) + `",`, false},
		"OPENID":                    {`"OPENID":"oEVIL",`, false},
		"open_id":                   {`"open_id":"oEVIL",`, false},
		"Open-Id":                   {`"Open-Id":"oEVIL",`, false},
		"union_id":                  {`"union_id":"oEVIL",`, false},
		"the first of two":          {`"openId":"oEVIL","openId":"` + self + `",`, false},
		"the last of two":           {`"openId":"` + self + `","openId":"oEVIL",`, false},
		"two that agree":            {`"openId":"` + self + `","openId":"` + self + `",`, false},
		"two that agree but a case": {`"openId":"` + self + `","openid":"` + self + `",`, false},
		"an escaped second":         {`"openId":"` + self + `","open\u0049d":"` + self + `",`, false},
		"deeper":                    {`"user":{"openId":"oEVIL"},`, false},
		"deeper in a list":          {`"users":[[{"unionId":"oEVIL"}]],`, false},
		"any name twice":            {`"phoneNumber":"1","phoneNumber":"2",`, false},
		"any name twice, deeper":    {`"a":[{"x":1,"X":2}],`, false},
		"two watermarks":            {`"watermark":{"appid":"` + sampleAppID + `"},`, false},
		"a watermark in capitals":   {`"WATERMARK":{"appid":"wx0"},`, false},
		"by the Kelvin sign":        {`"watermarK":{"appid":"wx0"},`, false},
	} {
		text := `{` + tt.members + marked[1:]
		got, err := sampleSession.Decrypt(sampleAppID, encrypted(padded(text)), sampleIV)
		if tt.opens && (err != nil || string(got) != text) || !tt.opens && !errors.Is(err, ErrNotOpened) {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
	for name, text := range map[string]string{
		"no watermark":              `{"x":{"watermark":{"appid":"` + sampleAppID + `"}}}`,
		"a watermark in capitals":   `{"Watermark":{"appid":"` + sampleAppID + `"}}`,
		"an app id in capitals":     `{"watermark":{"AppID":"` + sampleAppID + `"}}`,
		"two app ids":               `{"watermark":{"appid":"wx0","appid":"` + sampleAppID + `"}}`,
		"two app ids, in two cases": `{"watermark":{"appid":"` + sampleAppID + `","appId":"wx0"}}`,
		"a list of watermarks":      `{"watermark":[{"appid":"` + sampleAppID + `"}]}`,
		"no object":                 `"` + sampleAppID + `"`,
	} {
		got, err := sampleSession.Decrypt(sampleAppID, encrypted(padded(text)), sampleIV)
		if !errors.Is(err, ErrNotOpened) {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
	// A session that knows no unionid learns one that comes with the person's openid.
	alone := sampleSession
	alone.UnionID = ""
	if _, err := alone.Decrypt(sampleAppID, sampleData, sampleIV); err != nil {
		t.Error(err)
	}
	for _, iv := range []string{
		forgedIV(`{"unionId":"oEVI`), forgedIV(`{"openID":"oGZUI`), forgedIV(`{"openXX":"oGZUI`),
	} {
		if got, err := alone.Decrypt(sampleAppID, sampleData, iv); !errors.Is(err, ErrNotOpened) {
			t.Errorf("got %.60s, %v", got, err)
		}
	}
}
