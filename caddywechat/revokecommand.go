package caddywechat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
)

func revokeCommand() *cobra.Command {
	var (
		request                  revocation.Request
		address, config, adapter string
	)
	cmd := &cobra.Command{
		Use:   "revoke --user <id> | --openid <id> | --session <id> | --all",
		Short: "Ends sessions, on every instance that shares the store",
		Long: `Ends sessions before their time: those that a person has by now, one, or all. It asks
the running Caddy by its admin API, which must be on. The revocation is in force
there at once, on all instances that share its store within five seconds, and
outlives restarts. Whoever is revoked may log in again; to keep people out, don't
let them through after the login.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := request.Check(); err != nil {
				return err
			}
			adminAddress, err := caddycmd.DetermineAdminAPIAddress(address, nil, config, adapter)
			if err != nil {
				return fmt.Errorf("finding the admin API: %w", err)
			}
			body, err := json.Marshal(request)
			if err != nil {
				return err
			}
			res, err := caddycmd.AdminAPIRequest(adminAddress, http.MethodPost, revokePath,
				http.Header{"Content-Type": {"application/json"}}, bytes.NewReader(body))
			if err != nil {
				return askingFailed(adminAddress, err)
			}
			defer res.Body.Close()
			var answer revokeResponse
			if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
				return fmt.Errorf("reading the answer of the running Caddy: %w", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "revoked: %s; %s\n", request, seenText(answer.Seen))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&request.User, "user", "", "the person whom the app gets as X-Wechat-User")
	flags.StringVar(&request.OpenID, "openid", "", "the person, by WeChat's openid")
	flags.StringVar(&request.Session, "session", "", "one session, by its id from the callback's log line")
	flags.BoolVar(&request.All, "all", false, "everybody")
	flags.StringVar(&address, "address", "",
		"where the admin API listens; default: as the configuration says, else localhost:2019")
	flags.StringVarP(&config, "config", "c", "", "a configuration file to take the admin API's address from")
	flags.StringVarP(&adapter, "adapter", "a", "", "the configuration file's adapter, such as caddyfile")
	return cmd
}

// seenText says what the instance that was asked knows of the sessions that ended.
func seenText(seen int) string {
	if seen == 0 {
		return "no session of it was seen on this instance lately; if there should be one, look whether the id is right"
	}
	return fmt.Sprintf("sessions of it that were seen on this instance lately: %d", seen)
}

// askingFailed says why the running Caddy did not do what it was asked for.
func askingFailed(address string, err error) error {
	if strings.HasPrefix(err.Error(), "caddy responded with error") {
		return fmt.Errorf("asking the running Caddy: %w", err)
	}
	return fmt.Errorf("asking the running Caddy at %s: %w; "+
		"say where its admin API listens with --address, or with --config, if it is elsewhere", address, err)
}
