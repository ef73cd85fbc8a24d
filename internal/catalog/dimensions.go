// The dimensions.
package catalog

// Facts. Package report says in which column of the store each one lies.
const (
	LocalDate       Fact = "date"
	LocalDateHour   Fact = "date_hour"
	LocalYear       Fact = "year"
	LocalMonth      Fact = "month"
	LocalWeek       Fact = "week"
	LocalISOWeek    Fact = "iso_week"
	LocalHour       Fact = "hour"
	LocalDateMinute Fact = "date_minute"
	MinutesAgo      Fact = "minutes_ago"
	RangeName       Fact = "range_name"

	EventName  Fact = "event_name"
	CurrencyOf Fact = "currency"
	Host       Fact = "host"
	Path       Fact = "path"
	QueryText  Fact = "query"
	Title      Fact = "title"
	Referrer   Fact = "referrer"
	Param      Fact = "param"

	Country    Fact = "country"
	Region     Fact = "region"
	City       Fact = "city"
	Language   Fact = "language"
	Screen     Fact = "screen"
	DeviceKind Fact = "device_category"
	Browser    Fact = "browser"
	System     Fact = "operating_system"
	SystemMain Fact = "operating_system_version"

	SessionSource   Fact = "session_source"
	SessionMedium   Fact = "session_medium"
	SessionCampaign Fact = "session_campaign"
	SessionChannel  Fact = "session_channel"
	LandingPath     Fact = "landing_path"
	LandingQuery    Fact = "landing_query"
	NewVsReturning  Fact = "new_vs_returning"

	FirstUserSource   Fact = "first_user_source"
	FirstUserMedium   Fact = "first_user_medium"
	FirstUserCampaign Fact = "first_user_campaign"
	FirstUserChannel  Fact = "first_user_channel"
)

func dimensions() []Dimension {
	var all []Dimension
	for _, group := range [][]Dimension{
		timeDimensions(), datePartDimensions(), pageDimensions(), eventDimensions(), sessionSourceDimensions(),
		firstUserDimensions(), geographyDimensions(), deviceDimensions(), userDimensions(),
	} {
		all = append(all, group...)
	}
	return all
}

func timeDimensions() []Dimension {
	const category = "Time"
	return []Dimension{
		{Name: "date", UIName: "Date", Category: category, Scope: Time, Facts: []Fact{LocalDate},
			Description: "The day in the property's time zone, as YYYYMMDD."},
		{Name: "dateHour", UIName: "Date + hour", Category: category, Scope: Time, Facts: []Fact{LocalDateHour},
			Description: "The day and hour in the property's time zone, as YYYYMMDDHH."},
		{Name: "dateHourMinute", UIName: "Date hour and minute", Category: category, Scope: Time,
			Facts:       []Fact{LocalDateMinute},
			Description: "The day, hour and minute in the property's time zone, as YYYYMMDDHHMM."},
		{Name: "hour", UIName: "Hour", Category: category, Scope: Time, Facts: []Fact{LocalHour},
			Description: "The hour of the day in the property's time zone, 00 to 23."},
		{Name: "minutesAgo", UIName: "Minutes ago", Category: category, Scope: Time, Facts: []Fact{MinutesAgo},
			RealtimeOnly: true,
			Description:  "Whole minutes between the event and the moment of asking, 00 to 29. Realtime reports only."},
		{Name: "dateRange", UIName: "Date range", Category: category, Scope: Query, Facts: []Fact{RangeName},
			Description: "The name of the date range a row belongs to. Added by itself when a report has several ranges."},
	}
}

func pageDimensions() []Dimension {
	const category = "Page / screen"
	return []Dimension{
		{Name: "pagePath", UIName: "Page path", Category: category, Scope: Event, Facts: []Fact{Path},
			Description: "The path of the page's address, without host and query."},
		{Name: "pagePathPlusQueryString", UIName: "Page path + query string", Category: category, Scope: Event,
			Facts: []Fact{Path, QueryText}, Form: PathAndQuery,
			Description: "The path of the page's address and, if there is one, its query."},
		{Name: "fullPageUrl", UIName: "Full page URL", Category: category, Scope: Event,
			Facts: []Fact{Host, Path, QueryText}, Form: HostPathAndQuery,
			Description: "Host, path and query of the page's address, without the scheme."},
		{Name: "pageTitle", UIName: "Page title", Category: category, Scope: Event, Facts: []Fact{Title},
			Description: "The title of the page."},
		{Name: "pageReferrer", UIName: "Page referrer", Category: category, Scope: Event, Facts: []Fact{Referrer},
			Description: "The address from which the page was reached, as the browser sent it."},
		{Name: "hostName", UIName: "Hostname", Category: category, Scope: Event, Facts: []Fact{Host},
			Description: "The host of the page's address."},
		{Name: "landingPage", UIName: "Landing page", Category: category, Scope: Session, Facts: []Fact{LandingPath},
			Description: "The path of the first page viewed in the session."},
		{Name: "landingPagePlusQueryString", UIName: "Landing page + query string", Category: category,
			Scope: Session, Facts: []Fact{LandingPath, LandingQuery}, Form: PathAndQuery,
			Description: "The path and query of the first page viewed in the session."},
	}
}

func eventDimensions() []Dimension {
	return []Dimension{
		{Name: "eventName", UIName: "Event name", Category: "Event", Scope: Event, Facts: []Fact{EventName},
			Description: "The name of the event."},
		{Name: "currencyCode", UIName: "Currency", Category: "Revenue", Scope: Event, Facts: []Fact{CurrencyOf},
			Description: "The currency that the event's value names, as its ISO 4217 code of three letters."},
	}
}

func sessionSourceDimensions() []Dimension {
	const category = "Traffic source"
	return []Dimension{
		{Name: "sessionSource", UIName: "Session source", Category: category, Scope: Session,
			Facts: []Fact{SessionSource},
			Description: "Where the session came from: the last source that was not direct, " +
				"of this session or of one in the 90 days before it."},
		{Name: "sessionMedium", UIName: "Session medium", Category: category, Scope: Session,
			Facts:       []Fact{SessionMedium},
			Description: "The kind of source that brought the session, such as organic, referral or email."},
		{Name: "sessionSourceMedium", UIName: "Session source / medium", Category: category, Scope: Session,
			Facts: []Fact{SessionSource, SessionMedium}, Form: SlashPair,
			Description: "sessionSource and sessionMedium together."},
		{Name: "sessionCampaignName", UIName: "Session campaign", Category: category, Scope: Session,
			Facts:       []Fact{SessionCampaign},
			Description: "The campaign that brought the session."},
		{Name: "sessionDefaultChannelGroup", UIName: "Session default channel group", Category: category,
			Scope: Session, Facts: []Fact{SessionChannel},
			Description: "The channel into which the session's source, medium and campaign fall."},
	}
}

func firstUserDimensions() []Dimension {
	const category = "Traffic source"
	return []Dimension{
		{Name: "firstUserSource", UIName: "First user source", Category: category, Scope: User,
			Facts:       []Fact{FirstUserSource},
			Description: "The source of the first session of the user's client."},
		{Name: "firstUserMedium", UIName: "First user medium", Category: category, Scope: User,
			Facts:       []Fact{FirstUserMedium},
			Description: "The medium of the first session of the user's client."},
		{Name: "firstUserSourceMedium", UIName: "First user source / medium", Category: category, Scope: User,
			Facts: []Fact{FirstUserSource, FirstUserMedium}, Form: SlashPair,
			Description: "firstUserSource and firstUserMedium together."},
		{Name: "firstUserCampaignName", UIName: "First user campaign", Category: category, Scope: User,
			Facts:       []Fact{FirstUserCampaign},
			Description: "The campaign of the first session of the user's client."},
		{Name: "firstUserDefaultChannelGroup", UIName: "First user default channel group", Category: category,
			Scope: User, Facts: []Fact{FirstUserChannel},
			Description: "The channel of the first session of the user's client."},
	}
}

func geographyDimensions() []Dimension {
	const category = "Geography"
	return []Dimension{
		{Name: "continent", UIName: "Continent", Category: category, Scope: EventOrSession, Facts: []Fact{Country},
			Form: NameOfContinent, Description: "The continent from which the event was sent: Africa, Americas, " +
				"Asia, Europe or Oceania."},
		{Name: "continentId", UIName: "Continent ID", Category: category, Scope: EventOrSession,
			Facts: []Fact{Country}, Form: IDOfContinent,
			Description: "The continent from which the event was sent, as its UN M49 number of three digits."},
		{Name: "country", UIName: "Country", Category: category, Scope: EventOrSession, Facts: []Fact{Country},
			Form:        NameOfCountry,
			Description: "The country from which the event was sent, as its English name."},
		{Name: "countryId", UIName: "Country ID", Category: category, Scope: EventOrSession, Facts: []Fact{Country},
			Description: "The country from which the event was sent, as its ISO 3166-1 code of two letters."},
		{Name: "region", UIName: "Region", Category: category, Scope: EventOrSession, Facts: []Fact{Region},
			Description: "The region from which the event was sent."},
		{Name: "city", UIName: "City", Category: category, Scope: EventOrSession, Facts: []Fact{City},
			Description: "The city from which the event was sent."},
	}
}

func deviceDimensions() []Dimension {
	const category = "Platform / device"
	return []Dimension{
		{Name: "deviceCategory", UIName: "Device category", Category: category, Scope: EventOrSession,
			Facts:       []Fact{DeviceKind},
			Description: "desktop, mobile, tablet or smart tv."},
		{Name: "browser", UIName: "Browser", Category: category, Scope: EventOrSession, Facts: []Fact{Browser},
			Description: "The browser's name, without its version."},
		{Name: "operatingSystem", UIName: "Operating system", Category: category, Scope: EventOrSession,
			Facts:       []Fact{System},
			Description: "The operating system's name, without its version."},
		{Name: "operatingSystemVersion", UIName: "OS version", Category: category, Scope: EventOrSession,
			Facts:       []Fact{SystemMain},
			Description: "The main version of the operating system."},
		{Name: "operatingSystemWithVersion", UIName: "OS with version", Category: category, Scope: EventOrSession,
			Facts: []Fact{System, SystemMain}, Form: SpacePair,
			Description: "operatingSystem and operatingSystemVersion together."},
		{Name: "screenResolution", UIName: "Screen resolution", Category: category, Scope: EventOrSession,
			Facts:       []Fact{Screen},
			Description: "Width and height of the screen, such as 1920x1080."},
		{Name: "language", UIName: "Language", Category: category, Scope: EventOrSession, Facts: []Fact{Language},
			Form: NameOfLanguage, Description: "The language the browser asks for, as its English name."},
		{Name: "languageCode", UIName: "Language code", Category: category, Scope: EventOrSession,
			Facts:       []Fact{Language},
			Description: "The language the browser asks for, as its code, with the region if it names one."},
	}
}

func userDimensions() []Dimension {
	return []Dimension{
		{Name: "newVsReturning", UIName: "New / returning", Category: "User", Scope: Session,
			Facts: []Fact{NewVsReturning},
			Description: "new for the session that holds the client's first event, " +
				"returning for all later ones, (not set) outside sessions."},
	}
}
