// The world of the traffic: where clients are, what they browse with and what
// brought them.
package traffic

import (
	"net/netip"

	"tidemark/internal/event"
)

// country is a place of clients. Its network is a large one of that country,
// so that a geo database agrees.
type country struct {
	weight   float64
	language string
	network  netip.Prefix
	cities   []*event.Geo
}

func place(code, region, city string) *event.Geo {
	return &event.Geo{Country: code, Region: region, City: city, Source: "traffic"}
}

func countries() []country {
	net := netip.MustParsePrefix
	return []country{
		{28, "en-us", net("3.16.0.0/13"), []*event.Geo{place("US", "New York", "New York"), place("US", "California", "San Francisco"), place("US", "Ohio", "Columbus")}},
		{20, "de-de", net("2.160.0.0/12"), []*event.Geo{place("DE", "Berlin", "Berlin"), place("DE", "Bavaria", "Munich"), place("DE", "Hamburg", "Hamburg")}},
		{9, "en-gb", net("2.120.0.0/13"), []*event.Geo{place("GB", "England", "London"), place("GB", "Scotland", "Glasgow")}},
		{7, "fr-fr", net("2.8.0.0/13"), []*event.Geo{place("FR", "Ile-de-France", "Paris"), place("FR", "Occitanie", "Toulouse")}},
		{8, "en-in", net("1.38.0.0/15"), []*event.Geo{place("IN", "Maharashtra", "Mumbai"), place("IN", "Karnataka", "Bengaluru")}},
		{6, "pt-br", net("15.228.0.0/15"), []*event.Geo{place("BR", "Sao Paulo", "Sao Paulo")}},
		{5, "ja-jp", net("1.112.0.0/14"), []*event.Geo{place("JP", "Tokyo", "Tokyo"), place("JP", "Osaka", "Osaka")}},
		{4, "en-au", net("1.128.0.0/11"), []*event.Geo{place("AU", "New South Wales", "Sydney"), place("AU", "Victoria", "Melbourne")}},
		{3, "es-es", net("2.136.0.0/13"), []*event.Geo{place("ES", "Madrid", "Madrid")}},
		{3, "it-it", net("2.32.0.0/12"), []*event.Geo{place("IT", "Lombardy", "Milan")}},
		{2, "pl-pl", net("31.60.0.0/14"), []*event.Geo{place("PL", "Mazovia", "Warsaw")}},
		{2, "sv-se", net("2.248.0.0/13"), []*event.Geo{place("SE", "Stockholm", "Stockholm")}},
		{2, "ko-kr", net("1.208.0.0/12"), []*event.Geo{place("KR", "Seoul", "Seoul")}},
		{1, "ne-np", net("36.252.0.0/15"), []*event.Geo{place("NP", "Bagmati", "Kathmandu")}},
	}
}

// agent is what a client browses with.
type agent struct {
	weight float64
	text   string
	screen string
}

func agents() []agent {
	const (
		webkit = "AppleWebKit/537.36 (KHTML, like Gecko) "
		apple  = "AppleWebKit/605.1.15 (KHTML, like Gecko) "
		win    = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
		mac    = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
		droid  = "Mozilla/5.0 (Linux; Android 10; K) "
		phone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) "
	)
	return []agent{
		{24, win + webkit + "Chrome/141.0.0.0 Safari/537.36", "1920x1080"},
		{6, win + webkit + "Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0", "1536x864"},
		{4, "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0", "1920x1080"},
		{8, mac + webkit + "Chrome/141.0.0.0 Safari/537.36", "1440x900"},
		{5, mac + apple + "Version/18.5 Safari/605.1.15", "1440x900"},
		{2, "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "2560x1440"},
		{1, "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + webkit + "Chrome/141.0.0.0 Safari/537.36", "1366x768"},
		{22, droid + webkit + "Chrome/141.0.0.0 Mobile Safari/537.36", "412x915"},
		{4, droid + webkit + "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", "384x854"},
		{2, droid + webkit + "Chrome/141.0.0.0 Safari/537.36", "800x1280"},
		{18, phone + apple + "Version/18.5 Mobile/15E148 Safari/604.1", "390x844"},
		{3, phone + apple + "CriOS/141.0.7390.41 Mobile/15E148 Safari/604.1", "393x852"},
		{2, phone + apple + "Mobile/15E148 [FBAN/FBIOS;FBAV/480.0]", "390x844"},
		{2, "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) " + apple + "Version/18.5 Mobile/15E148 Safari/604.1", "820x1180"},
		{1, win + webkit + "Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0", "1920x1080"},
		{0.5, "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) " + webkit + "SamsungBrowser/3.0 Chrome/94.0.4606.31 TV Safari/537.36", "1920x1080"},
	}
}

// programAgents are the user agents of those who are no people.
func programAgents() []agent {
	return []agent{
		{5, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", ""},
		{3, "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/141.0.0.0 Safari/537.36", "800x600"},
		{2, "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", ""},
		{1, "python-requests/2.32.3", ""},
		{1, "curl/8.14.1", ""},
	}
}

// origin is what brought a client: a referrer, tags in the URL, or nothing.
type origin struct {
	weight   float64
	referrer string
	query    string
}

func origins() []origin {
	return []origin{
		{34, "", ""},
		{26, "https://www.google.com/", ""},
		{3, "https://www.bing.com/", ""},
		{2, "https://duckduckgo.com/", ""},
		{6, "https://www.google.com/", "gclid=EAIaIQobChMI"},
		{4, "https://l.facebook.com/", "utm_source=facebook&utm_medium=paid_social&utm_campaign=spring%20sale"},
		{4, "https://l.instagram.com/", ""},
		{2, "https://t.co/abc", ""},
		{2, "https://www.reddit.com/", ""},
		{3, "https://www.youtube.com/", ""},
		{5, "", "utm_source=newsletter&utm_medium=email&utm_campaign=weekly"},
		{2, "https://partner.example.org/list", "utm_source=partner&utm_medium=affiliate"},
		{2, "https://blog.example.net/review", ""},
		{1, "https://news.ycombinator.com/", ""},
		{2, "https://chatgpt.com/", "utm_source=chatgpt.com"},
		{1, "https://www.amazon.de/", ""},
		{1, "android-app://com.google.android.googlequicksearchbox/", ""},
	}
}

// weightsOf collects the weights of a list.
func weightsOf[T any](list []T, weight func(T) float64) []float64 {
	w := make([]float64, len(list))
	for i, v := range list {
		w[i] = weight(v)
	}
	return w
}
