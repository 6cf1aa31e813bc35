package simulator_test

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http/httptest"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// A test plays a mini-program: it has the simulator log Emma in there, and sends the code to the server under test.
func Example_miniProgram() {
	sim, err := simulator.New(simulator.Config{})
	if err != nil {
		log.Fatal(err)
	}
	wechat := httptest.NewServer(sim)
	defer wechat.Close()
	defer sim.Close()

	code, err := sim.MiniProgramLogin(simulator.DemoMiniProgramAppID, "emma")
	if err != nil {
		log.Fatal(err)
	}

	// The server exchanges the code.
	var session struct {
		Key    string `json:"session_key"`
		OpenID string `json:"openid"`
	}
	answer := send("GET", wechat.URL+"/sns/jscode2session?appid="+simulator.DemoMiniProgramAppID+
		"&secret="+simulator.DemoMiniProgramSecret+"&js_code="+code+"&grant_type=authorization_code", "")
	if err := json.Unmarshal([]byte(answer), &session); err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.OpenID == simulator.OpenID(simulator.DemoMiniProgramAppID, "emma"), len(session.Key))

	// What wx.getUserInfo gives is encrypted with the key of that session.
	info, err := sim.MiniProgramUserInfo(simulator.DemoMiniProgramAppID, "emma")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.RawData[:26])

	// Output:
	// true 24
	// {"nickName":"微信用户"
}
