package simulator_test

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// app is the smallest web app with a WeChat login. A real one would make state random and compare it.
type app struct {
	wechat string // https://open.weixin.qq.com and https://api.weixin.qq.com; in tests the simulator
	self   string
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	code := r.URL.Query().Get("code")
	if code == "" {
		http.Redirect(w, r, a.wechat+"/connect/oauth2/authorize?appid="+simulator.DemoAppID+
			"&redirect_uri="+url.QueryEscape(a.self)+
			"&response_type=code&scope=snsapi_base&state=abc123#wechat_redirect", http.StatusFound)
		return
	}
	response, err := http.Get(a.wechat + "/sns/oauth2/access_token?appid=" + simulator.DemoAppID +
		"&secret=" + simulator.DemoSecret + "&code=" + code + "&grant_type=authorization_code")
	if err != nil {
		http.Error(w, "WeChat is away", http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	var token struct {
		OpenID  string
		Errcode int
	}
	if json.NewDecoder(response.Body).Decode(&token) != nil || token.Errcode != 0 {
		http.Error(w, "WeChat refused", http.StatusBadGateway)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "openid", Value: token.OpenID})
}

// An app with a login of its own is tested against the simulator: it needs nothing but WeChat's base URL.
func Example() {
	sim, err := simulator.New(simulator.Config{AnyBrowser: true})
	if err != nil {
		log.Fatal(err)
	}
	wechat := httptest.NewServer(sim)
	defer wechat.Close()
	defer sim.Close()

	shop := &app{wechat: wechat.URL}
	server := httptest.NewServer(shop)
	defer server.Close()
	shop.self = server.URL + "/"

	// A browser for each visit, so that nobody is logged in already.
	visit := func() *http.Response {
		jar, _ := cookiejar.New(nil)
		response, err := (&http.Client{Jar: jar}).Get(shop.self)
		if err != nil {
			log.Fatal(err)
		}
		response.Body.Close()
		return response
	}

	// Emma opens the shop.
	if err := sim.Hold("emma"); err != nil {
		log.Fatal(err)
	}
	response := visit()
	openID := response.Cookies()[0].Value
	fmt.Println(response.StatusCode, openID == simulator.OpenID(simulator.DemoAppID, "emma"))

	// WeChat is busy, and her code is gone.
	err = sim.Fault(simulator.Fault{
		Path: "/sns/oauth2/access_token", Kind: simulator.FaultErrcode, Errcode: -1, Consume: true, Times: 1,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(visit().StatusCode, sim.Calls("/sns/oauth2/access_token"), "exchanges")

	// The shop is opened in a browser that is not WeChat's, and never hears of it.
	quirks := sim.Quirks()
	quirks.AnyBrowser = false
	if err := sim.SetQuirks(quirks); err != nil {
		log.Fatal(err)
	}
	visit()
	journal := sim.Journal()
	fmt.Println(journal[len(journal)-1].Outcome)

	// For the next test.
	sim.Reset()
	fmt.Println(visit().StatusCode)

	// Output:
	// 200 true
	// 502 2 exchanges
	// not wechat
	// 200
}
