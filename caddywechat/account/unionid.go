package account

import "context"

// UnionIDFinder is an account that can ask WeChat for a person's unionid without asking the person.
type UnionIDFinder interface {
	Account
	// FindUnionID returns the unionid of the person with an openid, "" where WeChat does not say. Whoever calls it
	// bounds how often.
	FindUnionID(ctx context.Context, openID string) (string, error)
}
