// Logins: cookies, bounds, and that no other site can act for a member.
package api

import (
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const goodLogin = `{"email":"ann@example.com","password":"correct horse"}`

func bodyOf(t testing.TB, resp *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func (s *server) logIn(t testing.TB) string {
	t.Helper()
	resp := s.send(t, "POST", "/v1/login", goodLogin)
	for _, c := range resp.Cookies() {
		if c.Name == loginCookie {
			return "Cookie: " + c.Name + "=" + c.Value
		}
	}
	t.Fatalf("no cookie was set: %d %s", resp.StatusCode, bodyOf(t, resp))
	return ""
}

func TestLoginSetsACookieThatOnlyThisSiteCanUse(t *testing.T) {
	s := newServer(t)
	resp := s.send(t, "POST", "/v1/login", goodLogin)
	want := `{"email":"ann@example.com","properties":[` +
		`{"property":"100","name":"Harbour","timeZone":"Europe/Berlin","currency":"EUR","measurementIds":["G-100"]},` +
		`{"property":"200","name":"Lighthouse","timeZone":"UTC","currency":"USD","measurementIds":["G-200"]}]}`
	if diff := cmp.Diff(want, bodyOf(t, resp)); diff != "" {
		t.Error(diff)
	}
	c := resp.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge != 30*24*60*60 {
		t.Errorf("cookie is %+v", c)
	}
	cookie := s.logIn(t)
	me := s.send(t, "GET", "/v1/me", "", cookie)
	if diff := cmp.Diff(want, bodyOf(t, me)); diff != "" {
		t.Error(diff)
	}
}

func TestTheCookieIsMarkedSecureWhenTheOperatorSaysSo(t *testing.T) {
	a := &API{cfg: Config{SecureCookies: true}}
	r, err := http.NewRequestWithContext(t.Context(), "POST", "http://x/v1/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !a.cookie(r, "token", 1).Secure {
		t.Error("the cookie may travel without TLS")
	}
}

func TestALoginReadsReportsUntilItIsEnded(t *testing.T) {
	s := newServer(t)
	cookie := s.logIn(t)
	ask := func() int {
		return s.send(t, "POST", "/v1beta/properties/200:runReport",
			`{"metrics":[{"name":"sessions"}],"dateRanges":[{"startDate":"today","endDate":"today"}]}`, cookie).StatusCode
	}
	if got := ask(); got != 200 {
		t.Errorf("a member's report is answered %d", got)
	}
	if got := s.send(t, "POST", "/v1/logout", "{}", cookie).StatusCode; got != 204 {
		t.Errorf("logout is answered %d", got)
	}
	if got := ask(); got != 401 {
		t.Errorf("after logout a report is answered %d", got)
	}
}

func TestAReadKeyDecidesAloneEvenBesideALogin(t *testing.T) {
	s := newServer(t)
	cookie := s.logIn(t)
	if got := s.send(t, "GET", "/v1/properties/200/ledger", "", cookie, "Authorization: Bearer key-100").StatusCode; got != 403 {
		t.Errorf("answered %d, want 403", got)
	}
	if got := s.send(t, "GET", "/v1/properties/200/ledger", "", cookie, "Authorization: Basic abc").StatusCode; got != 401 {
		t.Errorf("answered %d, want 401", got)
	}
}

// It is neither a wrong key nor a fault of the server: the same request may be answered in a moment.
func TestAKeyThatCannotBeLookedUpIsToBeTriedAgain(t *testing.T) {
	s := newServer(t)
	resp := s.send(t, "GET", "/v1/properties/100/ledger", "", "Authorization: Bearer key-of-one-who-never-asked")
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "1" || !strings.Contains(string(text), `"UNAVAILABLE"`) || strings.Contains(string(text), "refused") {
		t.Errorf("answered %d, Retry-After %q: %s", resp.StatusCode, resp.Header.Get("Retry-After"), text)
	}
}

func TestUnknownAddressesAndWrongPasswordsAreAnsweredAlike(t *testing.T) {
	s := newServer(t)
	var answers []string
	for _, login := range []string{`{"email":"ann@example.com","password":"wrong"}`, `{"email":"bob@example.com","password":"wrong"}`} {
		resp := s.send(t, "POST", "/v1/login", login)
		if resp.StatusCode != 401 || len(resp.Cookies()) != 0 {
			t.Errorf("answered %d with cookies %v", resp.StatusCode, resp.Cookies())
		}
		answers = append(answers, bodyOf(t, resp))
	}
	if answers[0] != answers[1] {
		t.Errorf("answers tell members apart: %s and %s", answers[0], answers[1])
	}
}

func TestD8GuessingIsSlowedDownBeforePasswordsAreChecked(t *testing.T) {
	s := newServer(t)
	for range attemptBurst {
		s.send(t, "POST", "/v1/login", `{"email":"ann@example.com","password":"wrong"}`)
	}
	resp := s.send(t, "POST", "/v1/login", goodLogin)
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("attempt %d is answered %d", attemptBurst+1, resp.StatusCode)
	}
	if s.registry.checked != attemptBurst {
		t.Errorf("%d passwords were checked, want %d", s.registry.checked, attemptBurst)
	}
	*s.now = s.now.Add(emailInterval)
	if resp := s.send(t, "POST", "/v1/login", goodLogin); resp.StatusCode != 200 {
		t.Errorf("after waiting, answered %d", resp.StatusCode)
	}
}

func TestAttemptsOfOneSenderDoNotUseUpThoseOfAnother(t *testing.T) {
	a, now := newAttempts(), time.Unix(0, 0)
	one, two := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for range attemptBurst {
		if _, ok := a.allow(now, one, ""); !ok {
			t.Fatal("a free try was refused")
		}
	}
	if _, ok := a.allow(now, one, ""); ok {
		t.Error("the burst has no end")
	}
	if _, ok := a.allow(now, two, ""); !ok {
		t.Error("another sender was refused")
	}
	neighbour, same := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	for range attemptBurst {
		a.allow(now, neighbour, "")
	}
	if _, ok := a.allow(now, same, ""); ok {
		t.Error("addresses of one household have a bucket each")
	}
}

func TestD8AttemptsAreRememberedInBoundedMemory(t *testing.T) {
	a, now := newAttempts(), time.Unix(0, 0)
	for i := range maxBuckets + 500 {
		a.allow(now, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), "")
	}
	if len(a.buckets) > maxBuckets+1 {
		t.Errorf("%d buckets are kept", len(a.buckets))
	}
	a.allow(now.Add(time.Hour), netip.MustParseAddr("192.0.2.1"), "")
	if len(a.buckets) > 2 {
		t.Errorf("%d buckets are left after an hour", len(a.buckets))
	}
}

func TestA5OtherSitesCannotChangeAnything(t *testing.T) {
	s := newServer(t)
	cookie := s.logIn(t)
	body := `{"name":"New","timeZone":"UTC","currency":"USD"}`
	for name, c := range map[string]struct {
		headers []string
		want    int
	}{
		"another origin":         {[]string{"Origin: https://evil.example"}, 403},
		"a null origin":          {[]string{"Origin: null"}, 403},
		"cross-site by fetch":    {[]string{"Sec-Fetch-Site: cross-site"}, 403},
		"a form":                 {[]string{"Content-Type: application/x-www-form-urlencoded"}, 415},
		"text without preflight": {[]string{"Content-Type: text/plain"}, 415},
		"no type at all":         {[]string{"Content-Type: "}, 415},
		"this origin":            {[]string{"Host: tidemark.example", "Origin: https://tidemark.example", "Sec-Fetch-Site: same-origin"}, 200},
		"no page":                {nil, 200},
	} {
		resp := s.send(t, "POST", "/v1/properties", body, append(c.headers, cookie)...)
		if resp.StatusCode != c.want {
			t.Errorf("%s: answered %d, want %d: %s", name, resp.StatusCode, c.want, bodyOf(t, resp))
		}
	}
	for _, path := range []string{"/v1/login", "/v1/logout", "/v1/setup"} {
		if got := s.send(t, "POST", path, "{}", "Origin: https://evil.example").StatusCode; got != 403 {
			t.Errorf("%s from another site is answered %d", path, got)
		}
	}
}

func TestMembersMakePropertiesAndSeeThem(t *testing.T) {
	s := newServer(t)
	cookie := s.logIn(t)
	resp := s.send(t, "POST", "/v1/properties", `{"name":"New","timeZone":"Asia/Kolkata","currency":"INR","rowDays":90}`, cookie)
	want := `{"property":"300","measurementId":"G-300","apiSecret":"s3","readKey":"key-300"}`
	if got := bodyOf(t, resp); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var me meJSON
	if err := json.Unmarshal([]byte(bodyOf(t, s.send(t, "GET", "/v1/me", "", cookie))), &me); err != nil {
		t.Fatal(err)
	}
	if len(me.Properties) != 3 {
		t.Errorf("the member sees %d properties, want 3", len(me.Properties))
	}
	if p := s.registry.properties[300]; p.RowDays != 90 || p.TimeZone != "Asia/Kolkata" {
		t.Errorf("the registry was asked for %+v", p)
	}
	bad := s.send(t, "POST", "/v1/properties", `{"name":""}`, cookie)
	if text := bodyOf(t, bad); bad.StatusCode != 400 || !strings.Contains(text, "name: invalid") {
		t.Errorf("answered %d %s", bad.StatusCode, text)
	}
	if got := s.send(t, "POST", "/v1/properties", `{"name":"x"}`).StatusCode; got != 401 {
		t.Errorf("without a login answered %d", got)
	}
}

func TestR3SetupWorksOnce(t *testing.T) {
	s := newServer(t)
	body := `{"token":"once","email":"ann@example.com","password":"correct horse"}`
	if got := s.send(t, "POST", "/v1/setup", `{"token":"once","email":"a@b.c","password":"short"}`).StatusCode; got != 400 {
		t.Errorf("a short password is answered %d", got)
	}
	if resp := s.send(t, "POST", "/v1/setup", body); resp.StatusCode != 200 || len(resp.Cookies()) != 1 {
		t.Errorf("setup is answered %d", resp.StatusCode)
	}
	if got := s.send(t, "POST", "/v1/setup", body).StatusCode; got != 403 {
		t.Errorf("a second setup is answered %d", got)
	}
}

func TestD8LargeRequestsAreRefused(t *testing.T) {
	s := newServer(t)
	body := `{"metrics":[{"name":"` + strings.Repeat("x", 70<<10) + `"}]}`
	if got := s.send(t, "POST", "/v1beta/properties/100:runReport", body, "Authorization: Bearer key-100").StatusCode; got != 413 {
		t.Errorf("answered %d, want 413", got)
	}
}

func TestErrorsInsideTellTheLogAndNotTheAsker(t *testing.T) {
	s := newServer(t)
	p := s.registry.properties[100]
	p.TimeZone = "Mars/Olympus"
	s.registry.properties[100] = p
	resp := s.send(t, "POST", "/v1beta/properties/100:runReport", "{}", "Authorization: Bearer key-100")
	want := `{"error":{"code":500,"message":"internal error","status":"INTERNAL"}}`
	if got := bodyOf(t, resp); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !strings.Contains(s.logged.String(), "Mars/Olympus") {
		t.Errorf("the log says %q", s.logged)
	}
}

func TestMetadataListsTheCatalog(t *testing.T) {
	s := newServer(t)
	for _, id := range []string{"0", "100"} {
		var m struct {
			Name       string
			Dimensions []dimensionMetadata
			Metrics    []metricMetadata
		}
		text := bodyOf(t, s.send(t, "GET", "/v1beta/properties/"+id+"/metadata", "", "Authorization: Bearer key-100"))
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if m.Name != "properties/"+id+"/metadata" || len(m.Dimensions) < 30 || len(m.Metrics) < 15 {
			t.Errorf("metadata of %s: %s with %d dimensions and %d metrics", id, m.Name, len(m.Dimensions), len(m.Metrics))
		}
	}
	if got := s.send(t, "GET", "/v1beta/properties/0/metadata", "").StatusCode; got != 401 {
		t.Errorf("without credentials answered %d", got)
	}
}
