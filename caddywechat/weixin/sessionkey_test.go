package weixin

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// WeChat's own example of encrypted data
// (https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html).
const (
	sampleAppID = "wx4f4bc4dec97d474b"
	sampleKey   = SessionKey("tiihtNczf5v6AKRyjwEUhQ==")
	sampleIV    = "r7BXXKkLb8qrSNn05n0qiA=="
	sampleData  = "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+" +
		"3hVbJSRgv+4lGOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6/1Xx1COx" +
		"Fvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucet" +
		"Df96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts" +
		"8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuy" +
		"Db/XcxxmK01EpqOyuxINew=="
	sampleText = `{"openId":"oGZUI0egBJY1zhBYw2KhdUfwVJJE","nickName":"Band","gender":1,"language":"zh_CN",` +
		`"city":"Guangzhou","province":"Guangdong","country":"CN",` +
		`"avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/aSKcBBPpibyKNicHNTMM0qJVh8Kjgiak2AHWr8M` +
		`HM4WgMEm7GFhsf8OYrySdbvAMvTsw3mo8ibKicsnfN5pRjl1p8HQ/0","unionId":"ocMvos6NjeKLIBqg5Mr9QjxrP1FA",` +
		`"watermark":{"timestamp":1477314187,"appid":"wx4f4bc4dec97d474b"}}`
)

// withKey returns the sample's person with another key.
func withKey(key SessionKey) MiniProgramSession {
	return MiniProgramSession{OpenID: "oGZUI0egBJY1zhBYw2KhdUfwVJJE", UnionID: "ocMvos6NjeKLIBqg5Mr9QjxrP1FA", Key: key}
}

var sampleSession = withKey(sampleKey)

func TestDecrypt_OpensTheSampleOfWeChat(t *testing.T) {
	got, err := sampleSession.Decrypt(sampleAppID, sampleData, sampleIV)
	if err != nil || string(got) != sampleText {
		t.Errorf("got %s, %v", got, err)
	}
}

// encrypted encrypts whole blocks with the sample's key and iv.
func encrypted(blocks string) string {
	key, _ := sampleKey.bytes()
	iv, _ := base64.StdEncoding.DecodeString(sampleIV)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	out := make([]byte, len(blocks))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, []byte(blocks))
	return base64.StdEncoding.EncodeToString(out)
}

// padded fills a text up to whole blocks, as PKCS #7 says.
func padded(text string) string {
	n := aes.BlockSize - len(text)%aes.BlockSize
	return text + strings.Repeat(string(rune(n)), n)
}

const marked = `{"watermark":{"appid":"` + sampleAppID + `"}}`

func TestDecrypt_OpensWhatIsForThePersonAndTheApp(t *testing.T) {
	for name, text := range map[string]string{
		"one": marked,
		"a padding of one": marked +
			strings.Repeat(" ", (2*aes.BlockSize-1-len(marked)%aes.BlockSize)%aes.BlockSize),
		"a padding of sixteen":  marked + strings.Repeat(" ", aes.BlockSize-len(marked)%aes.BlockSize),
		"a byte order mark":     "\ufeff" + marked,
		"more in the watermark": `{"x":null,"watermark":{"timestamp":"1","appid":"` + sampleAppID + `"}}`,
	} {
		got, err := sampleSession.Decrypt(sampleAppID, encrypted(padded(text)), sampleIV)
		if err != nil || strings.TrimSpace(string(got)) != strings.TrimPrefix(strings.TrimSpace(text), "\ufeff") {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	raw := padded("{\"nickName\":\"a\x01\nb\"," + marked[1:])
	got, err := sampleSession.Decrypt(sampleAppID, encrypted(raw), sampleIV)
	if err != nil || !strings.HasPrefix(string(got), `{"nickName":"a  b",`) {
		t.Errorf("control characters: got %q, %v", got, err)
	}
}

func TestDecrypt_TellsNotWhyNothingOpens(t *testing.T) {
	whole := padded(marked)
	last := len(whole) - 1
	tooLong, uneven := whole+strings.Repeat("\x11", aes.BlockSize), strings.Repeat(" ", aes.BlockSize-2)+"\x01\x02"
	for name, tt := range map[string]struct {
		key      SessionKey
		app      string
		data, iv string
	}{
		"another key":           {"HyVFkGl5F5OQWJZZaNzBBg==", sampleAppID, sampleData, sampleIV},
		"no key":                {"", sampleAppID, sampleData, sampleIV},
		"a key that is none":    {"…", sampleAppID, sampleData, sampleIV},
		"a short key":           {"dGlp", sampleAppID, sampleData, sampleIV},
		"another app":           {sampleKey, "wx0123456789abcdef", sampleData, sampleIV},
		"another iv":            {sampleKey, sampleAppID, sampleData, "AAAAAAAAAAAAAAAAAAAAAA=="},
		"a padding of none":     {sampleKey, sampleAppID, encrypted(whole[:last] + "\x00"), sampleIV},
		"a padding too long":    {sampleKey, sampleAppID, encrypted(tooLong), sampleIV},
		"an uneven padding":     {sampleKey, sampleAppID, encrypted(uneven), sampleIV},
		"nothing":               {sampleKey, sampleAppID, encrypted(padded("")), sampleIV},
		"no JSON":               {sampleKey, sampleAppID, encrypted(padded("hello")), sampleIV},
		"JSON of another kind":  {sampleKey, sampleAppID, encrypted(padded("[1]")), sampleIV},
		"no watermark":          {sampleKey, sampleAppID, encrypted(padded("{}")), sampleIV},
		"JSON and more":         {sampleKey, sampleAppID, encrypted(padded(marked + marked)), sampleIV},
		"the last block is off": {sampleKey, sampleAppID, encrypted(whole[:last+1-aes.BlockSize]), sampleIV},
	} {
		if got, err := withKey(tt.key).Decrypt(tt.app, tt.data, tt.iv); err != ErrNotOpened || got != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestDecrypt_TakesNoMalformedData(t *testing.T) {
	for _, tt := range [][2]string{
		{"", sampleIV},
		{sampleData, ""},
		{"!", sampleIV},
		{sampleData, "!"},
		{"AAAA", sampleIV},
		{sampleData, "AAAA"},
		{sampleData[:len(sampleData)-1], sampleIV},
		{strings.ReplaceAll(sampleData, "+", " "), sampleIV}, // what becomes of it in a form
	} {
		if got, err := sampleSession.Decrypt(sampleAppID, tt[0], tt[1]); err != ErrMalformed || got != nil {
			t.Errorf("%.10q, %q: got %q, %v", tt[0], tt[1], got, err)
		}
	}
}

func TestSessionKey_SignsAsWeChatDoes(t *testing.T) {
	const (
		key     = SessionKey("HyVFkGl5F5OQWJZZaNzBBg==")
		rawData = `{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong",` +
			`"country":"CN","avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol` +
			`6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0"}`
		signature = "75e81ceda165f4ffa64f4068af58c64b8f54b88c"
	)
	if !key.Signed(rawData, signature) {
		t.Error("the sample's signature does not hold")
	}
	for _, wrong := range [][2]string{
		{rawData, ""},
		{rawData, "x"},
		{rawData, signature[:38]},
		{rawData, strings.Repeat("0", 40)},
		{rawData + " ", signature},
		{"", signature},
	} {
		if key.Signed(wrong[0], wrong[1]) {
			t.Errorf("%q holds", wrong[1])
		}
	}
	if sampleKey.Signed(rawData, signature) {
		t.Error("it holds with another key")
	}

	const hmacKey = SessionKey("o0q0otL8aEzpcZL/FT9WsQ==")
	for message, want := range map[string]string{
		`{"foo":"bar"}`: "654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432aa0b",
		"":              "46e043c5525c2d817c44be603d30837a808a1d930d038f6fdc3e62a201fed128",
	} {
		if got := hmacKey.Sign(message); got != want {
			t.Errorf("%q: got %s, want %s", message, got, want)
		}
	}
}

func FuzzDecrypt(f *testing.F) {
	f.Add(string(sampleKey), sampleAppID, sampleData, sampleIV)
	f.Add(string(sampleKey), sampleAppID, encrypted(padded("{}")), sampleIV)
	f.Add("", "", "", "")
	f.Fuzz(func(t *testing.T, key, appID, data, iv string) {
		got, err := withKey(SessionKey(key)).Decrypt(appID, data, iv)
		switch {
		case err == nil:
			if !json.Valid(got) || !isSealedFor(appID, withKey(SessionKey(key)), got) {
				t.Errorf("got %q", got)
			}
		case !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrNotOpened):
			t.Errorf("got %v", err)
		}
	})
}

// Whatever is in the blocks, it opens or does not.
func FuzzUnpad(f *testing.F) {
	f.Add([]byte(padded(marked)))
	f.Add([]byte(strings.Repeat("\x10", 16)))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) < aes.BlockSize {
			return
		}
		length, ok := unpad(text)
		n := int(text[len(text)-1])
		want := n >= 1 && n <= aes.BlockSize && bytes.HasSuffix(text, bytes.Repeat(text[len(text)-1:], n))
		if ok != want || ok && length != len(text)-n || !ok && length != len(text) {
			t.Errorf("%x: got %d, %v", text, length, ok)
		}
	})
}

func TestDecrypt_OpensNoPiecesPutTogether(t *testing.T) {
	key := make([]byte, aes.BlockSize)
	text := []byte("{\"x\":\"\xff\xfe\",\"watermark\":{\"timestamp\":1,\"appid\":\"wx4f4bc4dec97d474b\"}}")
	padding := aes.BlockSize - len(text)%aes.BlockSize
	text = append(text, bytes.Repeat([]byte{byte(padding)}, padding)...)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	cipher.NewCBCEncrypter(block, key).CryptBlocks(text, text)
	encode := base64.StdEncoding.EncodeToString
	opened := withKey(SessionKey(encode(key)))
	if got, err := opened.Decrypt("wx4f4bc4dec97d474b", encode(text), encode(key)); !errors.Is(err, ErrNotOpened) {
		t.Errorf("got %s, %v", got, err)
	}
}
