//! Where a device sits on the bus.

/// A PCI address without its function, which is 0 for every GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    pub(crate) domain: u32,
    pub(crate) bus: u32,
    pub(crate) device: u32,
}

impl Address {
    /// Reads `0001:0a:00.0`, with any number of digits in the domain or without one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.split_once('.').map_or(text, |(address, _)| address);
        let mut parts = text.rsplit(':').map(|part| u32::from_str_radix(part, 16));
        let (device, bus) = (parts.next()?.ok()?, parts.next()?.ok()?);
        let domain = parts.next().transpose().ok()?.unwrap_or(0);
        Some(Self { domain, bus, device })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_spelling() {
        let address = Address { domain: 1, bus: 0x3b, device: 0 };
        for text in ["0001:3b:00.0", "00000001:3B:00.0", "1:3b:0"] {
            assert_eq!(Address::parse(text), Some(address), "{text}");
        }
        assert_eq!(Address::parse("3b:00.0").map(|address| address.domain), Some(0));
        assert_eq!(Address::parse("somewhere"), None);
    }
}
