package simulator

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
)

// UserInfo is what wx.getUserInfo tells a mini-program for its server: see
// https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html.
type UserInfo struct {
	RawData       string `json:"rawData"`       // the profile, JSON
	Signature     string `json:"signature"`     // the hex SHA-1 of RawData and the session key
	EncryptedData string `json:"encryptedData"` // base64; it holds the ids, too
	IV            string `json:"iv"`            // base64
}

// userProfile is the person in UserInfo: everybody is called the same and has no picture of their own since 2022-11-08.
type userProfile struct {
	NickName  string `json:"nickName"`
	Gender    int    `json:"gender"`
	Language  string `json:"language"`
	City      string `json:"city"`
	Province  string `json:"province"`
	Country   string `json:"country"`
	AvatarURL string `json:"avatarUrl"`
}

var anonymousProfile = userProfile{
	NickName: "微信用户",
	AvatarURL: "https://thirdwx.qlogo.cn/mmopen/vi_32/" +
		"POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132",
}

// MiniProgramUserInfo is wx.getUserInfo in a mini-program: it returns data encrypted and signed with the person's
// session key. Empty: the first mini-program, and who holds the phone. It fails for those that do not exist, and for a
// person who has not logged in there.
func (s *Simulator) MiniProgramUserInfo(appID, personID string) (UserInfo, error) {
	g, err := s.grantFor(kindMiniProgram, appID, personID)
	if err != nil {
		return UserInfo{}, err
	}
	key := s.sessionKeyOf(g.openID())
	if key == "" {
		return UserInfo{}, fmt.Errorf("person %q has no session in mini-program %s: log in there first",
			g.person.ID, g.account.AppID)
	}
	rawData := marshal(anonymousProfile)
	signature := sha1.Sum(append(rawData, key...))
	encrypted, iv := encrypt(key, marshal(s.userData(g)))
	return UserInfo{
		RawData:       string(rawData),
		Signature:     hex.EncodeToString(signature[:]),
		EncryptedData: encrypted,
		IV:            iv,
	}, nil
}

type userData struct {
	OpenID string `json:"openId"`
	userProfile
	UnionID   string    `json:"unionId,omitempty"`
	Watermark watermark `json:"watermark"`
}

// watermark says for whom WeChat made something, and when.
type watermark struct {
	Timestamp int64  `json:"timestamp"` // in Unix seconds
	AppID     string `json:"appid"`
}

func (s *Simulator) userData(g grant) userData {
	data := userData{OpenID: g.openID(), userProfile: anonymousProfile, Watermark: s.watermark(g)}
	if g.account.OpenPlatform != "" {
		data.UnionID = g.unionID()
	}
	return data
}

func (s *Simulator) watermark(g grant) watermark {
	return watermark{s.config.Now().Unix(), g.account.AppID}
}

// encrypt encrypts as WeChat does: AES-128-CBC with PKCS #7, both results base64.
func encrypt(sessionKey string, text []byte) (encrypted, iv string) {
	key, err := base64.StdEncoding.DecodeString(sessionKey)
	if err != nil {
		panic(err) // it is ours
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	var start [aes.BlockSize]byte
	rand.Read(start[:])
	padding := aes.BlockSize - len(text)%aes.BlockSize
	text = append(text, bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, start[:]).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(text), base64.StdEncoding.EncodeToString(start[:])
}

func marshal(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err) // only our own types come here
	}
	return encoded
}

func (s *Simulator) postMiniProgramUserInfo(r *http.Request) (any, error) {
	var asked programJSON
	if err := readJSON(r, &asked); err != nil {
		return nil, err
	}
	info, err := s.MiniProgramUserInfo(asked.AppID, asked.Person)
	if err != nil {
		return nil, err
	}
	return info, nil
}
