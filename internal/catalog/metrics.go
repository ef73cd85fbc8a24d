// The metrics.
package catalog

func metrics() []Metric {
	var all []Metric
	for _, group := range [][]Metric{userMetrics(), sessionMetrics(), eventMetrics(), moneyMetrics()} {
		all = append(all, group...)
	}
	return all
}

func userMetrics() []Metric {
	const category = "User"
	return []Metric{
		{Name: "activeUsers", UIName: "Active users", Category: category, Scope: User, Type: Integer,
			Plus: ActiveUsers,
			Description: "Distinct users with at least one active event: a first visit, time in the foreground, " +
				"or an event that a person must have caused."},
		{Name: "totalUsers", UIName: "Total users", Category: category, Scope: User, Type: Integer, Plus: Users,
			Description: "Distinct users with at least one event."},
		{Name: "newUsers", UIName: "New users", Category: category, Scope: User, Type: Integer, Plus: NewUsers,
			Description: "Clients whose very first event is among the events that the row counts."},
		{Name: "sessionsPerUser", UIName: "Sessions per user", Category: category, Scope: User, Type: Float,
			Plus: Sessions, Over: ActiveUsers,
			Description: "sessions divided by activeUsers."},
		{Name: "eventCountPerUser", UIName: "Event count per user", Category: category, Scope: User, Type: Float,
			Plus: Events, Over: ActiveUsers,
			Description: "eventCount divided by activeUsers."},
		{Name: "screenPageViewsPerUser", UIName: "Views per user", Category: category, Scope: User, Type: Float,
			Plus: Views, Over: ActiveUsers,
			Description: "screenPageViews divided by activeUsers."},
		{Name: "userEngagementDuration", UIName: "User engagement", Category: category, Scope: User, Type: Seconds,
			Plus: EngagementMillis, Unit: 1e3,
			Description: "Seconds for which pages were visible and in focus, summed over all users."},
	}
}

func sessionMetrics() []Metric {
	const category = "Session"
	return []Metric{
		{Name: "sessions", UIName: "Sessions", Category: category, Scope: Session, Type: Integer, Plus: Sessions,
			Description: "Sessions that began in the time the row stands for. With a dimension or filter of " +
				"events: distinct sessions of the matching events."},
		{Name: "engagedSessions", UIName: "Engaged sessions", Category: category, Scope: Session, Type: Integer,
			Plus: EngagedSessions,
			Description: "Sessions that lasted 10 seconds or more, or had 10 seconds of engagement, " +
				"a key event, or two or more views."},
		{Name: "engagementRate", UIName: "Engagement rate", Category: category, Scope: Session, Type: Float,
			Plus: EngagedSessions, Over: Sessions,
			Description: "engagedSessions divided by sessions."},
		{Name: "bounceRate", UIName: "Bounce rate", Category: category, Scope: Session, Type: Float,
			Plus: Sessions, Minus: EngagedSessions, Over: Sessions,
			Description: "The share of sessions that were not engaged."},
		{Name: "averageSessionDuration", UIName: "Average session duration", Category: category, Scope: Session,
			Type: Seconds, Plus: SessionMicros, Unit: 1e6, Over: Sessions,
			Description: "Seconds from a session's first event to its last, on average over sessions."},
		{Name: "screenPageViewsPerSession", UIName: "Views per session", Category: category, Scope: Session,
			Type: Float, Plus: Views, Over: Sessions,
			Description: "screenPageViews divided by sessions."},
		{Name: "eventsPerSession", UIName: "Events per session", Category: category, Scope: Session, Type: Float,
			Plus: Events, Over: Sessions,
			Description: "eventCount divided by sessions."},
	}
}

func eventMetrics() []Metric {
	return []Metric{
		{Name: "screenPageViews", UIName: "Views", Category: "Page / screen", Scope: Event, Type: Integer,
			Plus:        Views,
			Description: "Page and screen views."},
		{Name: "eventCount", UIName: "Event count", Category: "Event", Scope: Event, Type: Integer, Plus: Events,
			Description: "Events, including the first_visit and session_start events that a sender's flags stand for."},
		{Name: "keyEvents", UIName: "Key events", Category: "Event", Scope: Event, Type: Float, Plus: KeyEvents,
			Description: "Events that the property counts as key events."},
		{Name: "eventValue", UIName: "Event value", Category: "Event", Scope: Event, Type: Float,
			Plus: ValueMicros, Unit: 1e6,
			Description: "The sum of the events' value parameter, whatever currency they name."},
	}
}

func moneyMetrics() []Metric {
	const category = "Revenue"
	return []Metric{
		{Name: "purchaseRevenue", UIName: "Purchase revenue", Category: category, Scope: Event, Type: Currency,
			Plus: PurchaseMicros, Minus: RefundMicros, Unit: 1e6,
			Description: "The value of purchases and subscriptions minus that of refunds, as far as they name " +
				"the property's currency."},
		{Name: "totalRevenue", UIName: "Total revenue", Category: category, Scope: Event, Type: Currency,
			Plus: PurchaseMicros, Also: AdMicros, Minus: RefundMicros, Unit: 1e6,
			Description: "purchaseRevenue and the value of advertisements shown, in the property's currency."},
		{Name: "transactions", UIName: "Transactions", Category: category, Scope: Event, Type: Integer,
			Plus:        Transactions,
			Description: "Purchases, subscriptions and refunds that carry a value in a currency, whichever it is."},
		{Name: "ecommercePurchases", UIName: "Ecommerce purchases", Category: category, Scope: Event, Type: Integer,
			Plus:        Purchases,
			Description: "Events named purchase, with or without a value."},
	}
}
