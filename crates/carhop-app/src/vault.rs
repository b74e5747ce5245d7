//! Personal data of one customer, sealed under a key of its own that erasure destroys (`design.md` §4, M-PRV-1).

use carhop_kernel::id::{CustomerId, OrderId};
use carhop_proofs::vault::{open, seal};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::batch::{Batch, Sealed};
use crate::failure::Failure;
use crate::reads::Reads;
use crate::record::Partition;
use crate::records::SubjectRecord;

/// What is known about the people and the car of an order. Never leaves the vault whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Personal {
    /// The store's reference of the recipient.
    pub(crate) recipient: String,
    /// The name the driver may see.
    pub(crate) recipient_name: String,
    /// The plate, normalised.
    pub(crate) plate: String,
    /// The vehicle identification number.
    pub(crate) vin: Option<String>,
    /// Colour and make, for people.
    pub(crate) vehicle: String,
    /// The bay, as the customer stated it.
    pub(crate) bay: Option<String>,
    /// The payment reference.
    pub(crate) payment: Option<String>,
    /// Salt of the order digest and of every commitment in it.
    pub(crate) salt: [u8; 32],
}

/// A customer's key on its way to a batch.
pub(crate) struct Sealing {
    customer: CustomerId,
    key: [u8; 32],
    is_new: bool,
}

impl App {
    /// What a customer's data is sealed with: the key there is, or a fresh one.
    pub(crate) async fn sealing(
        &self,
        reads: &mut Reads<'_>,
        customer: CustomerId,
    ) -> Result<Sealing, Failure> {
        let subject = customer.to_string();
        let known = reads.find::<SubjectRecord>(subject.clone()).await?;
        let key = match known {
            Some(_) => self.subject_key(&reads.partition, &subject).await?,
            None => None,
        };
        let is_new = key.is_none();
        Ok(Sealing { customer, key: key.unwrap_or_else(|| self.random()), is_new })
    }

    /// Adds an order's personal data to the batch, and the customer's key if it is new.
    pub(crate) fn seal_personal(
        &self,
        batch: &mut Batch,
        sealing: &Sealing,
        order: OrderId,
        personal: &Personal,
    ) -> Result<(), Failure> {
        let Sealing { customer, key, is_new } = sealing;
        if *is_new {
            self.keep_subject_key(batch, *customer, key)?;
        }
        let plain = serde_json::to_vec(personal)
            .map_err(|_| Failure::Internal("personal data that cannot be written"))?;
        self.seal_field(batch, sealing, order.to_string(), &plain)
    }

    /// Adds something personal to the batch, under a name within what is known of the customer.
    pub(crate) fn seal_field(
        &self,
        batch: &mut Batch,
        sealing: &Sealing,
        field: String,
        plain: &[u8],
    ) -> Result<(), Failure> {
        let bytes = seal(&sealing.key, &self.random(), &field, plain)
            .map_err(|_| Failure::Internal("personal data that cannot be sealed"))?;
        batch.sealed.push(Sealed { subject: sealing.customer.to_string(), field, bytes });
        Ok(())
    }

    /// An order's personal data; `None` once it was erased.
    pub(crate) async fn personal(
        &self,
        partition: &Partition,
        customer: CustomerId,
        order: OrderId,
    ) -> Result<Option<Personal>, Failure> {
        let plain = self.unsealed(partition, customer, &order.to_string()).await?;
        plain
            .map(|plain| serde_json::from_slice(&plain))
            .transpose()
            .map_err(|_| Failure::Internal("sealed data that cannot be read"))
    }

    /// Something personal by its name; `None` if there is none, or once it was erased.
    pub(crate) async fn unsealed(
        &self,
        partition: &Partition,
        customer: CustomerId,
        field: &str,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let subject = customer.to_string();
        let Some(key) = self.subject_key(partition, &subject).await? else { return Ok(None) };
        let (journal, partition) = (&self.parts.journal, partition.clone());
        let found = journal.sealed(partition, subject, field.to_owned()).await?;
        let Some(found) = found else { return Ok(None) };
        open(&key, field, &found)
            .map(Some)
            .map_err(|_| Failure::Internal("sealed data that does not open"))
    }

    fn keep_subject_key(
        &self,
        batch: &mut Batch,
        customer: CustomerId,
        key: &[u8; 32],
    ) -> Result<(), Failure> {
        let subject = customer.to_string();
        let wrapping = self.parts.keyring.vault(self.suite(), &batch.partition.tenant);
        let bytes = seal(&wrapping, &self.random(), &subject, key)
            .map_err(|_| Failure::Internal("a key that cannot be sealed"))?;
        let field = SUBJECT_KEY.to_owned();
        batch.sealed.push(Sealed { subject, field, bytes });
        batch.store(&SubjectRecord { customer })?;
        Ok(())
    }

    async fn subject_key(
        &self,
        partition: &Partition,
        subject: &str,
    ) -> Result<Option<[u8; 32]>, Failure> {
        let (subject, field) = (subject.to_owned(), SUBJECT_KEY.to_owned());
        let found = self.parts.journal.sealed(partition.clone(), subject.clone(), field).await?;
        let Some(wrapped) = found else { return Ok(None) };
        let wrapping = self.parts.keyring.vault(self.suite(), &partition.tenant);
        let key = open(&wrapping, &subject, &wrapped)
            .map_err(|_| Failure::Internal("a subject key that does not open"))?;
        key.try_into().map(Some).map_err(|_| Failure::Internal("a subject key of the wrong length"))
    }
}

/// The field under which a subject's own key lies.
const SUBJECT_KEY: &str = "key";
