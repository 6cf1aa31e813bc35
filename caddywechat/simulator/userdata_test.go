package simulator

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestMiniProgramUserInfo_EncryptsWithTheSessionKey(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	r := h.send("POST", "/simulator/mini_program/user_info", `{"person":"emma"}`)
	if r.status != http.StatusBadRequest || !strings.Contains(r.body, "log in there first") {
		t.Errorf("without a session: got %d %s", r.status, r.body)
	}
	emma := h.session(h.miniCode("emma"))
	var got UserInfo
	r = h.send("POST", "/simulator/mini_program/user_info", `{"appid":"`+DemoMiniProgramAppID+`","person":"emma"}`)
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.status != http.StatusCreated {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	if sum := sha1.Sum([]byte(got.RawData + emma.SessionKey)); got.Signature != hex.EncodeToString(sum[:]) ||
		!strings.HasPrefix(got.RawData, `{"nickName":"微信用户","gender":0,`) {
		t.Errorf("got %+v", got)
	}
	key, _ := base64.StdEncoding.DecodeString(emma.SessionKey)
	data, _ := base64.StdEncoding.DecodeString(got.EncryptedData)
	iv, _ := base64.StdEncoding.DecodeString(got.IV)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(data, data)
	text := string(data[:len(data)-int(data[len(data)-1])])
	want := `{"openId":"` + emma.OpenID + `",` + strings.TrimSuffix(got.RawData, "}")[1:] + `,"unionId":"` +
		*emma.UnionID + `","watermark":{"timestamp":1772366400,"appid":"` + DemoMiniProgramAppID + `"}}`
	if text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}
