package account

// DomainKeeper is a [Redirector] whose platform sends visitors back to those domains only that somebody entered there.
type DomainKeeper interface {
	// DomainSetting returns where the site's domain has to be entered, for operators.
	DomainSetting() string
}
